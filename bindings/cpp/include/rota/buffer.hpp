// rota::buffer<T>: device memory as elements of T; slices of it, and mappings into the host.
//
// Sizes, positions and counts are elements everywhere. Host and jobs see each other's writes as
// rota.h says: what the host writes is seen by jobs submitted afterwards, what jobs wrote is seen
// once their completions are taken.
#ifndef ROTA_BUFFER_HPP
#define ROTA_BUFFER_HPP

#include <rota/tenant.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

namespace detail {

// Holds the C buffer for the buffer object and its mappings: it can't be freed while it is mapped.
struct buffer_owner {
    std::shared_ptr<tenant_owner> parent;
    rota_tenant *tenant;
    std::atomic<rota_buffer> id{0};

    buffer_owner(std::shared_ptr<tenant_owner> owner, rota_tenant *handle) noexcept
        : parent(std::move(owner)), tenant(handle) {}
    buffer_owner(const buffer_owner &) = delete;
    buffer_owner &operator=(const buffer_owner &) = delete;
    ~buffer_owner() {
        if (id != 0)
            static_cast<void>(::rota_buffer_destroy(tenant, id, nullptr));
    }
};

// Elements in bytes; what doesn't fit 64 bits is more than any buffer has.
template <class T> constexpr std::uint64_t bytes_of(std::size_t count) noexcept {
    constexpr std::uint64_t most = ~std::uint64_t{0} / sizeof(T);
    return count > most ? ~std::uint64_t{0} : std::uint64_t{count} * sizeof(T);
}

// An argument word for a number; what doesn't fit becomes the largest, which no buffer has.
constexpr std::uint32_t saturated(std::uint64_t number) noexcept {
    return number > 0xffffffff ? 0xffffffff : static_cast<std::uint32_t>(number);
}

} // namespace detail

/// Some elements of a buffer, by its id: it doesn't keep the buffer alive, and a job that uses the
/// slice of a destroyed buffer is faulted. It may reach beyond the buffer's end; who uses it there
/// gets out_of_range, or the fault out_of_bounds.
template <class T> class slice {
  public:
    using element_type = T;
    using passed_as_buffer = void;

    constexpr slice(rota_buffer id, std::size_t first, std::size_t count) noexcept
        : first_(first), size_(count), id_(id) {}

    constexpr rota_buffer id() const noexcept { return id_; }
    constexpr std::size_t first() const noexcept { return first_; }
    constexpr std::size_t size() const noexcept { return size_; }
    /// Where it begins, in the units that handlers ask for.
    constexpr std::uint32_t first_word() const noexcept {
        static_assert(sizeof(T) % 4 == 0, "this handler works on words of 32 bits");
        return detail::saturated(detail::bytes_of<T>(first_) / 4);
    }
    constexpr std::uint32_t first_byte() const noexcept {
        return detail::saturated(detail::bytes_of<T>(first_));
    }
    /// How long it is, in the units that handlers ask for.
    constexpr std::uint32_t words() const noexcept {
        static_assert(sizeof(T) % 4 == 0, "this handler works on words of 32 bits");
        return detail::saturated(detail::bytes_of<T>(size_) / 4);
    }
    constexpr std::uint32_t bytes() const noexcept {
        return detail::saturated(detail::bytes_of<T>(size_));
    }
    /// For tenant::read_into.
    constexpr operator read_range() const noexcept {
        return {id_, 0, detail::bytes_of<T>(first_), detail::bytes_of<T>(size_)};
    }

  private:
    std::size_t first_;
    std::size_t size_;
    rota_buffer id_;
};

/// A buffer's own memory as the host sees it. It keeps the buffer alive, but not against close() of
/// the tenant or the runtime, after which it may not be touched. Threading: as plain memory.
template <class T> class mapping {
  public:
    /// No mapping.
    mapping() noexcept = default;
    mapping(mapping &&other) noexcept
        : owner_(std::move(other.owner_)), elements_(std::exchange(other.elements_, {})) {}
    mapping &operator=(mapping &&other) noexcept {
        mapping taken(std::move(other));
        std::swap(owner_, taken.owner_);
        std::swap(elements_, taken.elements_);
        return *this;
    }
    ~mapping() { static_cast<void>(unmap()); }

    T *data() const noexcept { return elements_.data(); }
    std::size_t size() const noexcept { return elements_.size(); }
    T &operator[](std::size_t i) const noexcept { return elements_[i]; }
    T *begin() const noexcept { return elements_.data(); }
    T *end() const noexcept { return elements_.data() + elements_.size(); }

    /// Ends it now. A second one does nothing.
    result<void> unmap() noexcept {
        elements_ = {};
        const auto owner = std::exchange(owner_, nullptr);
        if (owner == nullptr)
            return {};
        detail::failure why;
        return why.outcome(::rota_buffer_unmap(owner->tenant, owner->id, why.slot()));
    }

  private:
    friend class buffer<T>;

    std::shared_ptr<detail::buffer_owner> owner_;
    span<T> elements_;
};

/// Device memory of a tenant, as elements of T. It keeps its tenant alive, and is freed when it and
/// its mappings are gone. Every call may be made from any thread; moving and assigning may not be
/// done beside them, and ranges that overlap are the callers' to order.
template <class T> class buffer {
    static_assert(std::is_trivially_copyable_v<T>, "device memory holds trivially copyable T");
    static_assert(std::is_same_v<T, std::remove_cv_t<T>>, "a buffer's elements are not const");
    static_assert(alignof(T) <= 16, "buffers begin at multiples of 16 bytes");

  public:
    using element_type = T;
    using passed_as_buffer = void;

    /// No buffer: calls give null_pointer, and jobs that use it are faulted.
    buffer() noexcept = default;
    buffer(buffer &&other) noexcept
        : owner_(std::move(other.owner_)), tenant_(std::exchange(other.tenant_, nullptr)),
          size_(std::exchange(other.size_, 0)), id_(std::exchange(other.id_, 0)) {}
    buffer &operator=(buffer &&other) noexcept {
        owner_ = std::move(other.owner_);
        tenant_ = std::exchange(other.tenant_, nullptr);
        size_ = std::exchange(other.size_, 0);
        id_ = std::exchange(other.id_, 0);
        return *this;
    }

    std::size_t size() const noexcept { return size_; }
    std::size_t size_bytes() const noexcept { return size_ * sizeof(T); }

    /// Writes elements from `first` on. All jobs submitted afterwards see them.
    /// Errors: out_of_range; invalid_handle when it was closed; as rota_buffer_write.
    result<void> write(span<const T> elements, std::size_t first = 0) const noexcept {
        detail::failure why;
        return why.outcome(::rota_buffer_write(tenant_, id_, detail::bytes_of<T>(first),
                                               elements.data(), elements.size_bytes(), why.slot()));
    }

    /// Reads as many elements as `to` has room for, from `first` on.
    /// Errors: out_of_range; invalid_handle when it was closed; as rota_buffer_read.
    result<void> read(span<T> to, std::size_t first = 0) const noexcept {
        detail::failure why;
        return why.outcome(::rota_buffer_read(tenant_, id_, detail::bytes_of<T>(first), to.data(),
                                              to.size_bytes(), why.slot()));
    }
    /// All elements.
    result<std::vector<T>> read() const {
        std::vector<T> all(size_);
        auto done = read(span<T>(all.data(), all.size()));
        if (!done)
            return std::move(done).error();
        return all;
    }

    /// Sets every byte of `count` elements from `first` on; for other patterns there is jobs::fill.
    result<void> fill_bytes(std::uint8_t value, std::size_t first,
                            std::size_t count) const noexcept {
        detail::failure why;
        return why.outcome(::rota_buffer_fill(tenant_, id_, detail::bytes_of<T>(first),
                                              detail::bytes_of<T>(count), value, why.slot()));
    }
    result<void> fill_bytes(std::uint8_t value) const noexcept {
        return fill_bytes(value, 0, size_);
    }

    /// The memory itself, where the host can reach it. Errors: unsupported; as rota_buffer_map.
    result<mapping<T>> map() const noexcept {
        void *data = nullptr;
        std::uint64_t bytes = 0;
        detail::failure why;
        const rota_status code = ::rota_buffer_map(tenant_, id_, &data, &bytes, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        mapping<T> mapped;
        mapped.owner_ = owner_;
        mapped.elements_ = {static_cast<T *>(data), static_cast<std::size_t>(bytes / sizeof(T))};
        return mapped;
    }

    /// A part of it, for jobs and reads.
    slice<T> part(std::size_t first, std::size_t count) const noexcept {
        return {id_, first, count};
    }
    operator slice<T>() const noexcept { return {id_, 0, size_}; }
    /// The whole of it, for tenant::read_into.
    operator read_range() const noexcept { return slice<T>(*this); }

    /// Lets another tenant of the runtime use it: that one's jobs and the host may read what this
    /// gives, and with read_write write it. It costs the other tenant a buffer of its quota and no
    /// bytes, and can be neither mapped nor granted on. What this gives keeps the other tenant
    /// alive, but not this buffer: the grant ends with either of them, with take_back, or when one
    /// of the two tenants is closed. Jobs that use it then fault with invalid_buffer.
    /// Errors: as rota_buffer_grant.
    result<buffer> grant(const tenant &to, access allowed = access::read_write) const {
        auto owner = std::make_shared<detail::buffer_owner>(to.owner_, to.handle_);
        rota_buffer granted = 0;
        detail::failure why;
        const rota_status code = ::rota_buffer_grant(
            tenant_, id_, to.handle_, static_cast<std::uint32_t>(allowed), &granted, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        owner->id = granted;
        return buffer(std::move(owner), size_);
    }
    /// Ends a grant: when this returns, neither jobs of that tenant nor threads that use its name
    /// for the buffer can reach it any more. Waits until the running leases have ended.
    /// Errors: wrong_state if it isn't granted to that tenant; as rota_buffer_take_back.
    result<void> take_back(const tenant &from) const noexcept {
        detail::failure why;
        return why.outcome(::rota_buffer_take_back(tenant_, id_, from.handle_, why.slot()));
    }

    /// Frees it now; its memory is used again when the jobs submitted before have completed. A
    /// second close does nothing. Errors: wrong_state while it is mapped, and nothing has changed.
    result<void> close() noexcept {
        if (owner_ == nullptr || owner_->id == 0)
            return {};
        detail::failure why;
        const rota_status code = ::rota_buffer_destroy(tenant_, id_, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        owner_->id = 0;
        return {};
    }

    /// There is one: this wasn't moved from.
    explicit operator bool() const noexcept { return id_ != 0; }
    /// What jobs carry as the argument; it stays this buffer's. 0 if there is none.
    rota_buffer id() const noexcept { return id_; }

  private:
    friend class tenant;

    buffer(std::shared_ptr<detail::buffer_owner> owner, std::size_t size) noexcept
        : owner_(std::move(owner)), tenant_(owner_->tenant), size_(size), id_(owner_->id) {}

    std::shared_ptr<detail::buffer_owner> owner_;
    rota_tenant *tenant_ = nullptr;
    std::size_t size_ = 0;
    rota_buffer id_ = 0;
};

template <class T>
result<buffer<T>> tenant::create_buffer(std::size_t count, access allowed) const {
    auto owner = std::make_shared<detail::buffer_owner>(owner_, handle_);
    rota_buffer id = 0;
    detail::failure why;
    const rota_status code = ::rota_buffer_create(
        handle_, detail::bytes_of<T>(count), static_cast<std::uint32_t>(allowed), &id, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    owner->id = id;
    return buffer<T>(std::move(owner), count);
}

template <class T>
result<buffer<T>> tenant::create_buffer_of(span<const T> elements, access allowed) const {
    auto created = create_buffer<T>(elements.size(), allowed);
    if (!created)
        return created;
    auto written = created->write(elements);
    if (!written)
        return std::move(written).error();
    return created;
}

template <class T> result<buffer<T>> tenant::import_buffer(span<T> host, access allowed) const {
    auto owner = std::make_shared<detail::buffer_owner>(owner_, handle_);
    rota_buffer id = 0;
    detail::failure why;
    const rota_status code =
        ::rota_buffer_import(handle_, host.data(), host.size_bytes(),
                             static_cast<std::uint32_t>(allowed), &id, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    owner->id = id;
    return buffer<T>(std::move(owner), host.size());
}

template <class T> result<buffer<T>> tenant::adopt_buffer(rota_buffer id) const {
    auto owner = std::make_shared<detail::buffer_owner>(owner_, handle_);
    std::uint64_t bytes = 0;
    detail::failure why;
    const rota_status code = ::rota_buffer_size(handle_, id, &bytes, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    if (bytes % sizeof(T) != 0)
        return error(status::invalid_argument,
                     "the buffer's size is not a multiple of the element's");
    owner->id = id;
    return buffer<T>(std::move(owner), static_cast<std::size_t>(bytes / sizeof(T)));
}

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
