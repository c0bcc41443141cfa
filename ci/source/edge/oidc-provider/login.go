package main

import (
	"html/template"
	"net/http"
	"net/url"
)

var page = template.Must(template.New("login").Parse(`<!DOCTYPE html>
<title>Log in</title>
<form method="post">
  <label>User <input name="username" autocomplete="username" autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password"></label>
  <button>Log in</button> <strong>{{.}}</strong>
</form>
`))

// login is the page that asks for user and password, and goes on with the authorization that sent the browser here.
type login struct {
	store *store
	path  string
}

func (l login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, problem := r.FormValue("id"), ""
	if r.Method == http.MethodPost {
		err := l.store.CheckUsernamePassword(r.PostFormValue("username"), r.PostFormValue("password"), id)
		if err == nil {
			http.Redirect(w, r, l.path+"/authorize/callback?id="+url.QueryEscape(id), http.StatusFound)
			return
		}
		problem = err.Error()
		w.WriteHeader(http.StatusUnauthorized)
	}
	if err := page.Execute(w, problem); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
