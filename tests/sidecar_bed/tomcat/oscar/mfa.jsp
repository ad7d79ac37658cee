<!DOCTYPE html>
<html><head><title>OSCAR Login</title></head>
<body><h1>Second factor</h1></body></html>
