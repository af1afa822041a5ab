// What a user's module says of Rota; whoever builds it adds a replace that leads to bindings/go.
module example.org/consumer

go 1.24

require github.com/rota-compute/rota/bindings/go v0.0.0
