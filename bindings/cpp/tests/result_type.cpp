// rota::result: values and errors move through it, also those that only move; and_then, transform
// and or_else run exactly when they should; it converts into std::expected and back.
#include "check.hpp"

#include <memory>
#include <string>

#if ROTA_HPP_EXPECTED
#include <expected>
#endif

namespace {

using rota::error;
using rota::result;
using rota::status;

result<int> good() { return 7; }
result<int> bad() { return error(status::io_error, "the disk is full"); }
result<void> nothing() { return {}; }
result<void> broken() { return error(status::io_error); }

struct counted {
    static inline int alive = 0;
    counted() { alive++; }
    counted(counted &&) noexcept { alive++; }
    counted &operator=(counted &&) noexcept = default;
    ~counted() { alive--; }
};

static_assert(!std::is_copy_constructible_v<result<int>>);
static_assert(std::is_nothrow_move_constructible_v<result<std::string>>);
static_assert(!std::is_convertible_v<result<int>, bool>);
static_assert(sizeof(result<rota::completion>) <= sizeof(rota::completion) + 8);

void moves() {
    auto owner = result<std::unique_ptr<int>>(std::make_unique<int>(3));
    auto taken = std::move(owner);
    EQUAL(**taken, 3);
    std::unique_ptr<int> inner = *std::move(taken);
    EQUAL(*inner, 3);
    {
        auto a = result<counted>(counted());
        auto b = result<counted>(error(status::timeout));
        EQUAL(counted::alive, 1);
        b = std::move(a);
        EQUAL(counted::alive, 2);
        a = result<counted>(error(status::timeout));
        EQUAL(counted::alive, 1);
        b = std::move(a);
        CHECK(!b && b.error() == status::timeout);
    }
    EQUAL(counted::alive, 0);
    CHECK(*result<std::string>("text") == "text");
}

void chains() {
    EQUAL(*good().and_then([](int value) -> result<int> { return value + 1; }), 8);
    EQUAL(*good().transform([](int value) { return value * 2; }), 14);
    CHECK(good().transform([](int) {}));
    CHECK(good().and_then([](int) { return nothing(); }));
    int calls = 0;
    auto passed = bad().and_then([&](int) -> result<long> { return ++calls; }).transform([&](long) {
        return ++calls;
    });
    EQUAL(calls, 0);
    CHECK(passed.error() == status::io_error);
    CHECK(std::strcmp(passed.error().message(), "the disk is full") == 0);
    EQUAL(*bad().or_else([](error why) -> result<int> { return why == status::io_error ? 9 : 0; }),
          9);
    EQUAL(*good().or_else([&](error) -> result<int> { return ++calls; }), 7);
    EQUAL(calls, 0);
    EQUAL(bad().value_or(5), 5);
    EQUAL(good().value_or(5), 7);
    EQUAL(*nothing().and_then([] { return good(); }), 7);
    EQUAL(*nothing().transform([] { return 3; }), 3);
    CHECK(!broken().transform([&] { calls++; }));
    CHECK(broken().or_else([](error) { return nothing(); }));
    EQUAL(calls, 0);
}

#if ROTA_HPP_EXPECTED
void expected() {
    std::expected<int, error> value = good();
    EQUAL(*value, 7);
    std::expected<int, error> failed = bad();
    CHECK(failed.error() == status::io_error);
    result<int> back = std::move(failed);
    CHECK(std::strcmp(back.error().message(), "the disk is full") == 0);
    back = result<int>(std::move(value));
    EQUAL(*back, 7);
    std::expected<void, error> done = nothing();
    CHECK(done.has_value());
    result<void> no = std::expected<void, error>(broken());
    CHECK(no.error() == status::io_error);
    std::expected<std::unique_ptr<int>, error> moved =
        result<std::unique_ptr<int>>(std::make_unique<int>(4));
    EQUAL(**moved, 4);
}
#endif

} // namespace

int main() {
    moves();
    chains();
#if ROTA_HPP_EXPECTED
    expected();
#endif
    return 0;
}
