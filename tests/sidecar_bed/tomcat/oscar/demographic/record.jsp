<%@ page contentType="text/html;charset=UTF-8" %><%@ include file="../WEB-INF/oscar.jspf" %><%
  Properties set = set(application);
  String patient = request.getParameter("demographic_no"), kept = set.getProperty("merged." + patient);
  boolean right = set.getProperty("right", "true").equals("true");
  String base = request.getScheme() + "://" + request.getServerName() + ":" + request.getServerPort() + request.getContextPath();
%><!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">
<html><head><title>Patient Detail Info</title>
<base href="<%= base %>/">
<link rel="stylesheet" href="demographic/record.css">
<script src="share/javascript/prototype.js"></script>
<script src="js/jquery.js"></script>
<script>
  jQuery.noConflict(); window.itsOwn = Object.keys(window).length; window.checked = 0;
  function showHideDetail() {
    ["editDemographic", "viewDemographics2", "closeBtn", "editBtn"].forEach(function (id) {
      var style = document.getElementById(id).style;
      style.display = style.display === "none" ? (id === "editDemographic" ? "table" : "") : "none";
    });
  }
</script>
<% for (String script : set.getProperty("custom", "").split(" ")) if (!script.isEmpty()) { %><script src="<%= script %>"></script><% } %>
</head>
<body>
<div id="editDemographicWrapper">
<table class="MainTable">
  <tr class="MainTableTopRow">
    <td class="MainTableTopRowLeftColumn">Patient Detail</td>
    <td><table class="TopStatusBar"><tr><td>EXAMPLE, PAT F 46 years Next Appt:<% if (kept != null) { %> <a href="demographic/demographiccontrol.jsp?demographic_no=<%= kept %>&displaymode=edit&dboperation=search_detail"><%= kept %></a>, <%= patient %> )<% } %></td></tr></table></td>
  </tr>
  <tr>
    <td class="MainTableLeftColumn"><a href="#">Appt. History</a><br><a href="javascript: self.close()">Exit Master Record</a></td>
    <td>
      <form name="updatedelete" method="post" action="demographic/demographiccontrol.jsp" onsubmit="checked++; return false" onchange="checked++">
      <input type="hidden" name="demographic_no" value="<%= patient %>">
      <% if (kept == null) { %><a id="editBtn" href="javascript: showHideDetail();">Edit</a> <a id="closeBtn" href="javascript: showHideDetail();" style="display: none">Close</a><% } %>
      <div id="viewDemographics2" style="display: block">
        <div class="demographicWrapper">
          <div class="leftSection"><div class="demographicSection"><h3>Demographic</h3><ul><li>Last Name: EXAMPLE</li><li>First Name: PAT</li></ul></div></div>
          <% if (right) { %><div class="rightSection"><%= set.getProperty("included", "") %><div class="demographicSection"><h3>Contact Information</h3><ul><li>Phone (H): 780-555-0100</li></ul></div></div><% } %>
        </div>
      </div>
      <table id="editDemographic" style="display: none"><tr><td>Last Name</td><td><input name="last_name" value="EXAMPLE"></td></tr><tr><td>First Name</td><td><input name="first_name" value="PAT"></td></tr></table>
      </form>
    </td>
  </tr>
</table>
</div>
</body></html>
