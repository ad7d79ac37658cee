<!DOCTYPE html>
<html><head><title>OSCAR Login</title></head>
<body><h1>Choose another password</h1></body></html>
