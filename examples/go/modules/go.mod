module github.com/rota-compute/rota/examples/go/modules

go 1.24

require github.com/rota-compute/rota/bindings/go v0.0.0

replace github.com/rota-compute/rota/bindings/go => ../../../bindings/go
