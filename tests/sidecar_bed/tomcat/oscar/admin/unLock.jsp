<%@ include file="../WEB-INF/oscar.jspf" %><%
  Map<String, Integer> wrong = shared(application, "wrong");
  if (request.getParameter("unlock") != null) wrong.clear();
%><!DOCTYPE html>
<html><head><title>Unlock Account</title></head>
<body><h1>Unlock Account</h1>
<% for (Map.Entry<String, Integer> one : wrong.entrySet()) if (one.getValue() >= 10) { %><p><%= one.getKey() %></p><% } %>
</body></html>
