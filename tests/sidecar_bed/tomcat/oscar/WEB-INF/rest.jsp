<%@ include file="oscar.jspf" %><%
  String path = request.getPathInfo();
  Object user = session.getAttribute("user");
  if (user == null) {
    note(application, request, "REST WS: NOT AUTHORIZED", null);
    response.setStatus(401);
    response.setContentType("text/xml");
    out.print("<error>no session</error>");
    return;
  }
  response.setContentType("application/json");
  if (path.equals("/providerService/provider/me")) {
    note(application, request, "REST WS: ProviderService.getLoggedInProvider", user);
    if (Boolean.TRUE.equals(session.getAttribute("without-provider"))) { response.setStatus(404); return; }
    out.print("{\"providerNo\":\"" + user + "\",\"firstName\":\"Ada\",\"lastName\":\"Example\",\"status\":\"1\"}");
  } else if (path.equals("/persona/hasRight")) {
    note(application, request, "REST WS: PersonaService.hasRight", user);
    String patient = request.getParameter("demographicNo"), name = request.getParameter("objectName");
    String granted = set(application).getProperty("right." + user + "." + name, "");
    boolean closed = patient != null && set(application).getProperty("closed." + user, "").contains("$" + patient);
    out.print("{\"success\":" + (!closed && !granted.isEmpty()
        && (granted.equals("x") || granted.compareTo(request.getParameter("privilege")) >= 0)) + "}");
  } else if (path.equals("/persona/rights")) {
    note(application, request, "REST WS: PersonaService.getMyRights", user);
    response.setStatus(500);
  } else {
    response.setStatus(404);
  }
%>
