<%@ include file="oscar.jspf" %><%
  String user = request.getParameter("username"), from = address(request);
  Map<String, Integer> wrong = shared(application, "wrong");
  if (wrong.getOrDefault(from, 0) >= 10) {
    response.sendRedirect("loginfailed.jsp?errormsg=Your+account+is+locked.");
    return;
  }
  if (!"any-password".equals(request.getParameter("password"))) {
    wrong.merge(from, 1, Integer::sum);
    note(application, request, "failed", user);
    response.sendRedirect("loginfailed.jsp?errormsg=Your+credentials+are+wrong.");
    return;
  }
  wrong.remove(from);
  session.invalidate();
  HttpSession own = request.getSession(true);
  own.setMaxInactiveInterval(Integer.parseInt(set(application).getProperty("idle", "7200")));
  String state = set(application).getProperty("state." + user, "");
  if (state.equals("mfa") || state.equals("reset")) {
    own.setAttribute(state, user);
    response.sendRedirect(state + ".jsp");
    return;
  }
  Map<String, HttpSession> everybody = shared(application, "sessions");
  HttpSession older = everybody.put(user, own);
  if (older != null) try { older.invalidate(); } catch (IllegalStateException gone) { }
  own.setAttribute("user", user);
  own.setAttribute("without-provider", state.equals("without-provider"));
  note(application, request, "log in", user);
  response.sendRedirect("provider/providercontrol.jsp");
%>
