module github.com/rota-compute/rota/bindings/go

go 1.24
