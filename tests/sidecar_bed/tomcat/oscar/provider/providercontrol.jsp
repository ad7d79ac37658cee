<%@ page contentType="text/html;charset=UTF-8" %><%@ include file="../WEB-INF/oscar.jspf" %><%
  if (!signedIn(request, response)) return;
  String own = request.getContextPath();
%><!DOCTYPE html>
<html><head><title>Appointment Access</title>
<script src="<%= own %>/js/jquery.js"></script>
<% for (String script : set(application).getProperty("of_the_day", "").split(" ")) if (!script.isEmpty()) { %><script src="<%= script %>"></script><% } %>
<style>
  body { margin: 0; font: x-small Verdana, "DejaVu Sans", sans-serif; } #firstMenu { background: #486ebd; } #firstMenu a { color: white; }
  #firstMenu ul { margin: 0; padding: 4px; list-style: none; } #firstMenu li { display: inline; margin-right: 1em; }
  .day { width: 100%; border-collapse: collapse; font-size: x-small; } .day td { border: 1px solid #aaa; padding: 0 2px; } td.appt { background: #fdfec7; }
</style>
<script>
  function popup(height, width, address, name) { window.open(address, name, "height=" + height + ",width=" + width + ",scrollbars=yes,resizable=yes"); }
  function popupWithApptNo(height, width, address, name, appointment) { popup(height, width, address, name); }
</script>
</head>
<body>
<div id="firstMenu"><ul>
  <li><a href="#" onclick="popup(700, 1027, '<%= own %>/demographic/demographiccontrol.jsp?displaymode=Search&search_mode=search_name&keyword=', 'search'); return false;">Search</a></li>
  <li><a href="<%= own %>/administration/">Administration</a></li>
  <li><a href="<%= own %>/logout.jsp">Log Out</a></li>
</ul></div>
<table class="day">
<% for (String[] one : lines(set(application), "appointments")) { // id, patient, name, time %>
  <tr><td><%= one[3] %></td><td class="appt" nowrap>
    <a class="apptStatus" href="javascript:void(0)" title="To Do">&#9679;</a>
<% if (one[1].equals("0")) { %>
    <a class="apptLink" href="#" onclick="popup(535, 860, '<%= own %>/appointment/appointmentcontrol.jsp?appointment_no=<%= one[0] %>&demographic_no=0&displaymode=edit', ''); return false;">.<%= one[2] %></a>
<% } else { %>
    <a class="apptLink" href="javascript:void(0)" onclick="popup(535, 860, '<%= own %>/appointment/appointmentcontrol.jsp?appointment_no=<%= one[0] %>&demographic_no=<%= one[1] %>&displaymode=edit', ''); return false;" title="<%= one[2] %>"><%= one[2] %></a>
    &#124; <a href="javascript:void(0)" class="encounterBtn" onclick="return false;" title="Encounter">E</a>
    &#124; <a class="masterBtn" href="javascript: void(0)" onclick="popupWithApptNo(700, 1024, '<%= own %>/demographic/demographiccontrol.jsp?demographic_no=<%= one[1] %>&apptProvider=101&appointment=<%= one[0] %>&displaymode=edit&dboperation=search_detail', 'master', <%= one[0] %>)" title="Master Record">M</a>
<% } %>
  </td></tr>
<% } %>
</table>
</body></html>
