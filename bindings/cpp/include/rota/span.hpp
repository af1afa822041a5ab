// rota::span: a pointer and a number of elements. It is std::span where there is one, else the part
// of it that is needed here, which makes itself of arrays and of containers in the same way.
#ifndef ROTA_SPAN_HPP
#define ROTA_SPAN_HPP

#include <rota/config.hpp>

#if ROTA_HPP_SPAN

#include <span>

namespace rota {
inline namespace ROTA_HPP_DIALECT {
using std::span;
}
} // namespace rota

#else

#include <cstddef>
#include <iterator>
#include <type_traits>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

template <class T> class span {
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using size_type = std::size_t;
    using pointer = T *;
    using reference = T &;
    using iterator = T *;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}

    /// Of whatever has data() and size(), and elements that differ in const at most.
    template <class Container,
              class Data = std::remove_pointer_t<decltype(std::data(std::declval<Container &>()))>,
              class = decltype(std::size(std::declval<Container &>())),
              class = std::enable_if_t<std::is_convertible_v<Data (*)[], T (*)[]> &&
                                       !std::is_array_v<std::remove_reference_t<Container>>>>
    constexpr span(Container &&container) noexcept(noexcept(std::data(container)))
        : data_(std::data(container)), size_(std::size(container)) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr std::size_t size_bytes() const noexcept { return size_ * sizeof(T); }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T &operator[](std::size_t i) const noexcept { return data_[i]; }
    constexpr T &front() const noexcept { return data_[0]; }
    constexpr T &back() const noexcept { return data_[size_ - 1]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr span first(std::size_t count) const noexcept { return {data_, count}; }
    constexpr span last(std::size_t count) const noexcept {
        return {data_ + (size_ - count), count};
    }
    constexpr span subspan(std::size_t offset) const noexcept {
        return {data_ + offset, size_ - offset};
    }
    constexpr span subspan(std::size_t offset, std::size_t count) const noexcept {
        return {data_ + offset, count};
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif

#endif
