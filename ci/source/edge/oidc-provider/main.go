// oidc-provider is a small OpenID Connect provider for tests: one user, one web client, some services.
//
// The protocol is zitadel's certified library, the store in memory is the one of its examples: this is for a test cluster
// and nothing else. It is told everything by a JSON file (see `configuration`), whose path is its only argument.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// configuration is the whole of what the provider is told.
type configuration struct {
	Listen string `json:"listen"`
	// Issuer is the `iss` of all tokens, and where the edge fetches the keys.
	Issuer   string    `json:"issuer"`
	User     user      `json:"user"`
	Web      web       `json:"web"`
	Services []service `json:"services"`
}

type user struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

// web is the client that sends browsers to the login page.
type web struct {
	ID           string   `json:"id"`
	Secret       string   `json:"secret"`
	RedirectURIs []string `json:"redirectURIs"`
}

// service is a program that asks for a token with its own secret (client_credentials).
type service struct {
	ID              string   `json:"id"`
	Secret          string   `json:"secret"`
	Audience        []string `json:"audience"`
	LifetimeSeconds int      `json:"lifetimeSeconds"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: oidc-provider CONFIGURATION.json")
	}
	given, err := read(os.Args[1])
	if err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
	handler, err := handler(given)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("issuer %s, listening on %s", given.Issuer, given.Listen)
	server := &http.Server{Addr: given.Listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func read(path string) (*configuration, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	given := &configuration{}
	return given, json.Unmarshal(content, given)
}

// handler serves the protocol and the login page below the issuer's path.
func handler(given *configuration) (http.Handler, error) {
	issuer, err := url.Parse(given.Issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	// The key of authorization codes: they live for seconds, so it may die with this process.
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return nil, err
	}
	kept := newStore(given, issuer.Path)
	provider, err := op.NewProvider(&op.Config{CryptoKey: key, CodeMethodS256: true, AuthMethodPost: true}, kept,
		op.StaticIssuer(given.Issuer), op.WithAllowInsecure())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/login", login{kept, issuer.Path})
	mux.Handle("/", provider)
	return http.StripPrefix(issuer.Path, mux), nil
}
