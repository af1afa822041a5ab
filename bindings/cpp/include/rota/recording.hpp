// rota::recording: the log of a flight recorder, read record by record.
//
//     auto log = rota::recording::open("run.log", rota::reading::salvage).value();
//     for (auto &read : log) {
//         const rota::record &record = read.value();
//         ...
//     }
#ifndef ROTA_RECORDING_HPP
#define ROTA_RECORDING_HPP

#include <iterator>
#include <optional>
#include <rota/job.hpp>
#include <rota/outputs.hpp>
#include <rota/runtime.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// One record of a log: the fields of rota_record, of which its kind says which are set, and what
/// they mean. All others are 0.
struct record : rota_record {
    record() noexcept : rota_record ROTA_RECORD_INIT {}

    /// What it is of.
    record_kind what() const noexcept { return static_cast<record_kind>(kind); }
    /// What happened, as a tenant_event, module_event, buffer_event, evidence, gap_event,
    /// void_event or missing_event; nothing if the record isn't of the kind that has these.
    template <class Event> std::optional<Event> as() const noexcept {
        static_assert(detail::kind_of<Event> != record_kind::end, "no kind of records has these");
        if (what() != detail::kind_of<Event>)
            return std::nullopt;
        return static_cast<Event>(event);
    }
    /// Such as "ROTA_EVENT_BUFFER_WRITTEN"; "UNKNOWN" where there is none. The text is static.
    const char *event_name() const noexcept { return ::rota_event_name(kind, event); }
    /// The completion, as it was taken.
    rota::completion completed_as() const noexcept { return {completion}; }
    /// The text, without a copy; valid as long as it.
    std::string_view said() const noexcept { return {text, text_len}; }
    /// The data, without a copy; valid as long as it.
    span<const std::byte> bytes() const noexcept {
        return {static_cast<const std::byte *>(data), data_len};
    }
};

static_assert(sizeof(record) == sizeof(rota_record));

/// A name and what it is set to.
struct field {
    std::string_view name;
    std::string_view value;
};

/// The log of a flight recorder, open for reading. It changes nothing in it and belongs to no
/// runtime; the log may be recorded into at the same time, and what is recorded after the opening
/// is not read. One thread at a time may use it.
///
/// What a record and its fields point to is valid until the next record is read, or the recording
/// is gone.
class recording {
  public:
    class iterator;

    /// No recording: calls give null_pointer.
    recording() noexcept = default;

    /// Opens a log at its oldest record.
    /// Errors: as rota_recording_open; unsupported when header and library don't fit together.
    static result<recording> open(std::string_view path, reading how = reading::strict) {
        auto fits = detail::same_version();
        if (!fits)
            return std::move(fits).error();
        recording opened;
        detail::failure why;
        const rota_status code = ::rota_recording_open(
            path.data(), path.size(), static_cast<std::uint32_t>(how), &opened.handle_, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return opened;
    }

    recording(recording &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), read_(std::move(other.read_)),
          fields_(std::exchange(other.fields_, 0)) {}
    recording &operator=(recording &&other) noexcept {
        recording taken(std::move(other));
        std::swap(handle_, taken.handle_);
        std::swap(read_, taken.read_);
        std::swap(fields_, taken.fields_);
        return *this;
    }
    ~recording() {
        if (handle_ != nullptr)
            static_cast<void>(::rota_recording_destroy(handle_, nullptr));
    }

    /// Reads the next record, in the order of their numbers; its kind is `end` when there is none.
    /// Errors: log_damaged unless it salvages, and then comes the end, but seek goes on behind the
    /// damage; io_error.
    result<record> next() noexcept {
        record read;
        fields_ = 0;
        detail::failure why;
        const rota_status code = ::rota_recording_next(handle_, &read, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        fields_ = read.field_count;
        return read;
    }

    /// From the next record to the last one, each a result<record>&: an error is the last of them.
    /// It is read by the increment, and not after the recording was moved.
    iterator begin() noexcept;
    iterator end() noexcept;

    /// Name and value i of the last record that was read; it has field_count of them.
    /// Errors: out_of_range.
    result<rota::field> field(std::size_t i) const noexcept {
        rota_field raw{};
        detail::failure why;
        const rota_status code = ::rota_recording_get_field(handle_, i, &raw, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return rota::field{{raw.name, raw.name_len}, {raw.value, raw.value_len}};
    }
    /// All of them.
    result<std::vector<rota::field>> fields() const {
        std::vector<rota::field> all;
        for (std::size_t i = 0; i < fields_; i++) {
            auto one = field(i);
            if (!one)
                return std::move(one).error();
            all.push_back(*one);
        }
        return all;
    }
    /// The value of the first one with this name. Errors: out_of_range if there is none.
    result<std::string_view> value_of(std::string_view name) const noexcept {
        for (std::size_t i = 0; i < fields_; i++) {
            auto one = field(i);
            if (!one)
                return std::move(one).error();
            if (one->name == name)
                return one->value;
        }
        return error(status::out_of_range, "the record has no field of this name");
    }

    /// What is kept beside the log under a record's hash, as elements of T: what was written into a
    /// buffer with capture::full, and the sources of modules. Valid until the next call of this, or
    /// the recording is gone.
    /// Errors: data_missing; log_damaged if it is not what its hash says; invalid_argument if it
    /// isn't a whole number of T; io_error.
    template <class T = std::byte>
    result<span<const T>> object(const std::uint8_t (&hash)[32]) const noexcept {
        const void *data = nullptr;
        std::size_t len = 0;
        detail::failure why;
        const rota_status code =
            ::rota_recording_get_object(handle_, hash, &data, &len, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return detail::elements<T>(data, len);
    }

    /// Goes on at the record with this number, or at the oldest one if it is older.
    result<void> seek(std::uint64_t seq) noexcept {
        detail::failure why;
        return why.outcome(::rota_recording_seek(handle_, seq, why.slot()));
    }

    /// What the log says of itself, and what was read of it so far.
    result<recording_info> info() const noexcept {
        recording_info told = ROTA_RECORDING_INFO_INIT;
        detail::failure why;
        const rota_status code = ::rota_recording_get_info(handle_, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }

    /// There is one: this wasn't moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The C handle, which stays this recording's; NULL if there is none.
    rota_recording *native() const noexcept { return handle_; }

  private:
    rota_recording *handle_ = nullptr;
    // What an iterator points to.
    result<record> read_{record()};
    std::size_t fields_ = 0;
};

/// Reads records: an input iterator, so that all of a recording are at the same one.
class recording::iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = result<record>;
    using difference_type = std::ptrdiff_t;
    using pointer = result<record> *;
    using reference = result<record> &;

    /// Behind the last record.
    iterator() noexcept = default;

    result<record> &operator*() const noexcept { return of_->read_; }
    result<record> *operator->() const noexcept { return &of_->read_; }
    iterator &operator++() noexcept {
        if (of_->read_)
            read();
        else
            of_ = nullptr; // an error is the last
        return *this;
    }
    void operator++(int) noexcept { ++*this; }

    friend bool operator==(const iterator &left, const iterator &right) noexcept {
        return left.of_ == right.of_;
    }
    friend bool operator!=(const iterator &left, const iterator &right) noexcept {
        return left.of_ != right.of_;
    }

  private:
    friend class recording;
    explicit iterator(recording &of) noexcept : of_(&of) { read(); }

    void read() noexcept {
        of_->read_ = of_->next();
        if (of_->read_ && of_->read_->what() == record_kind::end)
            of_ = nullptr;
    }

    recording *of_ = nullptr;
};

inline recording::iterator recording::begin() noexcept { return iterator(*this); }
inline recording::iterator recording::end() noexcept { return {}; }

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
