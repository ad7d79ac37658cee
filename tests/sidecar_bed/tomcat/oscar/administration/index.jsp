<%@ page contentType="text/html;charset=UTF-8" %><%@ include file="../WEB-INF/oscar.jspf" %><%
  if (!signedIn(request, response)) return;
  String own = request.getContextPath();
%><!DOCTYPE html>
<html lang="en"><head><title>Administration Panel</title>
<link rel="stylesheet" href="<%= own %>/administration/administration.css">
<script src="<%= own %>/js/jquery.js"></script>
<% if (set(application).getProperty("main", "true").equals("true")) { %><script src="<%= own %>/js/custom/clinic/main.js"></script><% } %>
</head>
<body>
<div class="container-fluid">
<div class="row-fluid hidden-print"><a href="javascript:void(0)">Help</a></div>
<div class="row-fluid">
<div class="span3 hidden-print" id="side"><div class="accordion" id="adminNav"><div class="accordion-group nav nav-tabs">
<% String[] groups = {"User Management", "Billing", "Labs/Inbox", "Forms/eForms", "Reports", "Schedule Management", "System Management", "Integration"};
   for (int i = 0; i < groups.length; i++) { %>
  <div class="accordion-heading">
    <a class="accordion-toggle" data-toggle="collapse" data-parent="#adminNav" href="#collapse<%= i %>"><%= groups[i] %> <i class="icon-chevron-right"></i></a>
  </div>
  <div id="collapse<%= i %>" class="accordion-body collapse"><div class="accordion-inner"><ul>
    <li><a href="javascript:void(0);" class="xlink" rel="<%= own %>/admin/unLock.jsp"><%= i == 0 ? "Unlock Account" : groups[i] + " Settings" %></a></li>
  </ul></div></div>
<% } %>
</div></div></div>
<div class="span9 dynamic-content" id="dynamic-content">
  <div class="well quick-links"><a href="javascript:void(0);" class="xlink" rel="<%= own %>/admin/unLock.jsp">Unlock</a></div>
  <div class="well quick-links"><a href="<%= own %>/admin/unLock.jsp" class="contentLink">Unlock here</a></div>
</div>
</div></div>
<script src="<%= own %>/administration/administration.js"></script>
</body></html>
