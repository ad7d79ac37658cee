<%@ include file="../WEB-INF/oscar.jspf" %><%
  if (!signedIn(request, response)) return;
  boolean record = "edit".equals(request.getParameter("displaymode"));
  request.getRequestDispatcher(record ? "record.jsp" : "demographicsearchresults.jsp").forward(request, response);
%>
