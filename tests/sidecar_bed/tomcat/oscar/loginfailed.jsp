<!DOCTYPE html>
<html><head><title>OSCAR Login</title></head>
<body><p>${param.errormsg.replace("<", "&lt;")}</p></body></html>
