<!DOCTYPE html>
<html><head><title>OSCAR Login</title></head>
<body>
<form method="post" action="login.do">
  <label>User name <input name="username"></label>
  <label>Password <input name="password" type="password"></label>
  <button>Sign in</button>
</form>
</body></html>
