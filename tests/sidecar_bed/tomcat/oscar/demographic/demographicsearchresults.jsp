<%@ page contentType="text/html;charset=UTF-8" %><%@ include file="../WEB-INF/oscar.jspf" %><!DOCTYPE html>
<html><head><title>Patient Search Results</title>
<script src="${pageContext.request.contextPath}/share/javascript/prototype.js"></script>
<style>
  body { font: small Verdana, "DejaVu Sans", sans-serif; } table { width: 100%; border-collapse: collapse; font-size: x-small; }
  .tableHeadings { background: #ccccff; } .odd { background: #eeeeff; } td, th { padding: 2px 4px; text-align: left; }
</style>
<script>
  function popup(height, width, address, name) { window.open(address, name, "height=" + height + ",width=" + width + ",scrollbars=yes,resizable=yes"); }
</script>
</head>
<body>
<table id="patientResults">
  <tr class="tableHeadings deep">
    <th class="demoIdSearch">Demographic No.</th><th class="links">Module</th><th class="name">Name</th><th class="chartNo">Chart No.</th><th class="sex">Sex</th><th class="dob">DOB</th><th class="doctor">Doctor</th><th class="rosterStatus">Roster Status</th><th class="patientStatus">Patient Status</th><th class="phone">Phone</th>
  </tr>
<% int number = 0; for (String[] one : lines(set(application), "patients")) { %>
  <tr class="<%= number++ % 2 == 0 ? "odd" : "even" %>">
    <td class="demoIdSearch"><a title="Master Demographic File" href="#" onclick="popup(700, 1027, '${pageContext.request.contextPath}/demographic/demographiccontrol.jsp?demographic_no=<%= one[0] %>&displaymode=edit&dboperation=search_detail', 'master'); return false;"><%= one[0] %></a></td>
    <td class="links"><a href="#" class="encounterBtn">E</a></td>
    <td class="name"><%= one[1] %></td><td class="chartNo"></td><td class="sex">F</td><td class="dob">1980-02-01</td><td class="doctor">Okafor, Ada</td><td class="rosterStatus"></td><td class="patientStatus">AC</td><td class="phone">780-555-0100</td>
  </tr>
<% } %>
</table>
</body></html>
