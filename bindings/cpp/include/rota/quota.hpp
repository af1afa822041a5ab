// rota::quota: how much a tenant may have, or all tenants of a runtime together; and
// rota::reservation, which holds some of it.
#ifndef ROTA_QUOTA_HPP
#define ROTA_QUOTA_HPP

#include <cstdint>
#include <rota/result.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// The most that a tenant, or all tenants of a runtime together, may have. As it is made it limits
/// nothing; other than in options, 0 is no default but means none at all.
struct quota {
    /// Slots in use.
    std::uint64_t slots = unlimited;
    /// Bytes that the host copies at the same time.
    std::uint64_t staging_bytes = unlimited;
    /// Buffers.
    std::uint64_t buffers = unlimited;
    /// Bytes of buffers.
    std::uint64_t buffer_bytes = unlimited;
    /// Loaded modules.
    std::uint64_t modules = unlimited;
    /// Loop iterations a lane of a job may run. A job that asks for more is refused; a default is
    /// lowered to it. With 0 every job is refused.
    std::uint64_t fuel_per_job = unlimited;
    /// Loop iterations that all jobs together may run in a second. With 0 every job is refused.
    std::uint64_t fuel_per_second = unlimited;
};

namespace detail {

inline rota_quota raw_of(const quota &most) noexcept {
    rota_quota raw = ROTA_QUOTA_INIT;
    raw.slots = most.slots;
    raw.staging_bytes = most.staging_bytes;
    raw.buffers = most.buffers;
    raw.buffer_bytes = most.buffer_bytes;
    raw.modules = most.modules;
    raw.fuel_per_job = most.fuel_per_job;
    raw.fuel_per_second = most.fuel_per_second;
    return raw;
}

} // namespace detail

/// Some of a tenant's quota that is held, so that nobody else gets it: tenant::reserve. It is given
/// back when it is gone, and may outlive its tenant and its runtime. One thread at a time may use
/// it.
class reservation {
  public:
    /// No reservation.
    reservation() noexcept = default;
    reservation(reservation &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    reservation &operator=(reservation &&other) noexcept {
        reservation taken(std::move(other));
        std::swap(handle_, taken.handle_);
        return *this;
    }
    ~reservation() { static_cast<void>(release()); }

    /// Gives it back now. A second release does nothing.
    result<void> release() noexcept {
        detail::failure why;
        return why.outcome(::rota_reservation_release(std::exchange(handle_, nullptr), why.slot()));
    }

    /// There is one: this wasn't moved from, nor released.
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The C handle, which stays this reservation's; NULL if there is none.
    rota_reservation *native() const noexcept { return handle_; }

  private:
    friend class tenant;

    rota_reservation *handle_ = nullptr;
};

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
