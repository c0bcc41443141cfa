// Modules that tests read schemas from and nothing is compiled of: the custom resources of the Prometheus operator.
module torchserve-kserve/source/schemas

go 1.26

require github.com/prometheus-operator/prometheus-operator v0.87.1
