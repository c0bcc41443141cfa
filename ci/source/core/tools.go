//go:build tools

// Package core names the commands this module pins, so that `go mod tidy` keeps what they need.
package core

import (
	_ "github.com/brancz/kube-rbac-proxy/cmd/kube-rbac-proxy"
	_ "github.com/coredns/coredns/coremain"
	_ "github.com/kserve/kserve/cmd/agent"
	_ "github.com/kserve/kserve/cmd/manager"
	_ "github.com/rancher/local-path-provisioner"
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubeadm"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
	_ "knative.dev/net-kourier/cmd/kourier"
	_ "knative.dev/serving/cmd/activator"
	_ "knative.dev/serving/cmd/autoscaler"
	_ "knative.dev/serving/cmd/controller"
	_ "knative.dev/serving/cmd/queue"
	_ "knative.dev/serving/cmd/webhook"
	_ "sigs.k8s.io/kind"
)
