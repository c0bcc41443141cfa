// Not compiled: the definitions of KServe 0.20 are read from its module, to check against them what the chart renders.
module torchserve-kserve/source/kserve-0.20

go 1.23

require github.com/kserve/kserve v0.20.0
