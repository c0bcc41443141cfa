package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// store is the example's store in memory with our user, our clients, and services that get JWT access tokens.
type store struct {
	*storage.Storage
	path     string
	services map[string]service
}

func newStore(given *configuration, path string) *store {
	clients := map[string]*storage.Client{
		given.Web.ID: storage.WebClient(given.Web.ID, given.Web.Secret, given.Web.RedirectURIs...),
	}
	services := map[string]service{}
	for _, one := range given.Services {
		services[one.ID] = one
	}
	return &store{storage.NewStorageWithClients(oneUser(given.User), clients), path, services}
}

// GetClientByClientID is the example's, with our login page.
func (s *store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	found, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	return webClient{found, s.path}, nil
}

// ClientCredentials checks the secret of a service.
func (s *store) ClientCredentials(_ context.Context, id, secret string) (op.Client, error) {
	found, ok := s.services[id]
	if !ok || found.Secret != secret {
		return nil, errors.New("unknown service or wrong secret")
	}
	return serviceClient{storage.WebClient(id, secret)}, nil
}

// ClientCredentialsTokenRequest says what is in a service's token.
func (s *store) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return serviceRequest{&oidc.JWTTokenRequest{Subject: id, Audience: s.services[id].Audience, Scopes: scopes}}, nil
}

// CreateAccessToken gives a service's token its own lifetime; those of users are the example's.
func (s *store) CreateAccessToken(ctx context.Context, request op.TokenRequest) (string, time.Time, error) {
	if one, ok := request.(serviceRequest); ok {
		lifetime := time.Duration(s.services[one.Subject].LifetimeSeconds) * time.Second
		return uuid.NewString(), time.Now().Add(lifetime), nil
	}
	return s.Storage.CreateAccessToken(ctx, request)
}

type serviceRequest struct{ *oidc.JWTTokenRequest }

type webClient struct {
	op.Client
	path string
}

// LoginURL has no host: the page is at whatever address the browser came by.
func (c webClient) LoginURL(id string) string { return c.path + "/login?id=" + id }

// ApplicationType is the one to which the library grants a redirect URI without a host (`/oauth2/callback`, as Kubeflow
// has it); the client still shows its secret.
func (webClient) ApplicationType() op.ApplicationType { return op.ApplicationTypeNative }

type serviceClient struct{ op.Client }

func (serviceClient) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeClientCredentials}
}

func (serviceClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// oneUser is a user store with a single user, whose id and e-mail address are the name.
type oneUser user

func (u oneUser) GetUserByID(id string) *storage.User {
	if id != u.Name {
		return nil
	}
	return &storage.User{ID: u.Name, Username: u.Name, Password: u.Password, Email: u.Name, EmailVerified: true}
}

func (u oneUser) GetUserByUsername(name string) *storage.User { return u.GetUserByID(name) }

func (u oneUser) ExampleClientID() string { return "" }
