// rota::module: handlers that a tenant brings, or the runtime for those that it grants them to.
#ifndef ROTA_MODULE_HPP
#define ROTA_MODULE_HPP

#include <rota/tenant.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// One handler of a module. Texts are only read.
struct handler {
    /// What jobs name it by: first_opcode and up, in the tenant's window.
    std::uint32_t opcode = first_opcode;
    /// The function in the module's source, without parameters or result.
    std::string_view function = {};
    handler_kind kind = handler_kind::scalar;
    /// Loop iterations a lane may run where the job doesn't say. 0: the tenant's default.
    std::uint32_t fuel = 0;
};

/// A module to load. Texts are only read. docs/handlers.md says what a handler can use.
struct module_options {
    /// WGSL.
    std::string_view source = {};
    /// What of the source can be called, 1 to 64 handlers.
    std::vector<handler> handlers = {};
    /// A name for people: messages about the source begin with it.
    std::string_view label = {};
};

namespace detail {

// The options as C has them; `handlers` is what they point to.
inline rota_module_options raw_of(const module_options &options,
                                  std::vector<rota_handler> &handlers) {
    for (const handler &one : options.handlers)
        handlers.push_back({one.opcode, static_cast<std::uint32_t>(one.kind), one.function.data(),
                            one.function.size(), one.fuel, 0});
    rota_module_options raw = ROTA_MODULE_OPTIONS_INIT;
    raw.label = options.label.data();
    raw.label_len = options.label.size();
    raw.source = options.source.data();
    raw.source_len = options.source.size();
    raw.handlers = handlers.data();
    raw.handler_count = handlers.size();
    return raw;
}

} // namespace detail

/// A loaded module. It keeps alive what it was loaded for, and is unloaded when it is gone: the
/// jobs accepted before finish first. Every call may be made from any thread; moving and assigning
/// may not be done beside them.
class module {
  public:
    /// No module: calls give null_pointer.
    module() noexcept = default;
    module(module &&other) noexcept :of_tenant_(std::move(other.of_tenant_)),
        of_runtime_(std::move(other.of_runtime_)), tenant_(std::exchange(other.tenant_, nullptr)),
        runtime_(std::exchange(other.runtime_, nullptr)), report_(other.report_),
        id_(other.id_.exchange(0)) {}
    module &operator=(module &&other) noexcept {
        if (this != &other) {
            static_cast<void>(unload());
            of_tenant_ = std::move(other.of_tenant_);
            of_runtime_ = std::move(other.of_runtime_);
            tenant_ = std::exchange(other.tenant_, nullptr);
            runtime_ = std::exchange(other.runtime_, nullptr);
            report_ = other.report_;
            id_ = other.id_.exchange(0);
        }
        return *this;
    }
    ~module() { static_cast<void>(unload()); }

    /// Puts another version in its place: the same opcodes, each of the same kind. Jobs that have
    /// begun end with the old version, later ones run with the new one. It takes as long as a load.
    /// Errors: as rota_module_replace; invalid_handle when it was unloaded.
    result<module_report> replace(const module_options &options) const {
        std::vector<rota_handler> handlers;
        const rota_module_options raw = detail::raw_of(options, handlers);
        module_report told = ROTA_MODULE_REPORT_INIT;
        detail::failure why;
        const rota_status code =
            runtime_ != nullptr
                ? ::rota_runtime_module_replace(runtime_, id_, &raw, &told, why.slot())
                : ::rota_module_replace(tenant_, id_, &raw, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }

    /// Lets a tenant call its handlers; for a module that a runtime loaded.
    /// Errors: as rota_runtime_module_grant; invalid_argument for a tenant's own module.
    result<void> grant(const tenant &to) const noexcept {
        if (tenant_ != nullptr)
            return error(status::invalid_argument,
                         "a tenant's own module can't be granted: load it by runtime::load");
        detail::failure why;
        return why.outcome(::rota_runtime_module_grant(runtime_, id_, to.native(), why.slot()));
    }

    /// Unloads it now. Its opcodes are refused from here on; jobs accepted before finish first, and
    /// those that have not begun within the time end with the fault handler_unloaded. A second
    /// unload does nothing.
    result<void> unload(timeout time = forever) noexcept {
        const rota_module id = id_.exchange(0);
        if (id == 0)
            return {};
        detail::failure why;
        return why.outcome(runtime_ != nullptr
                               ? ::rota_runtime_module_unload(runtime_, id, time.ns(), why.slot())
                               : ::rota_module_unload(tenant_, id, time.ns(), why.slot()));
    }

    /// What loading it took.
    const module_report &report() const noexcept { return report_; }
    /// There is one: this wasn't moved from, nor unloaded.
    explicit operator bool() const noexcept { return id_ != 0; }
    /// The C name, which stays this module's; 0 if there is none.
    rota_module id() const noexcept { return id_; }

  private:
    friend class tenant;
    friend class runtime;

    // One of the two is there, and so is its handle.
    std::shared_ptr<detail::tenant_owner> of_tenant_;
    std::shared_ptr<detail::runtime_owner> of_runtime_;
    rota_tenant *tenant_ = nullptr;
    rota_runtime *runtime_ = nullptr;
    module_report report_ = ROTA_MODULE_REPORT_INIT;
    std::atomic<rota_module> id_{0};
};

inline result<module> tenant::load(const module_options &options) const {
    std::vector<rota_handler> handlers;
    const rota_module_options raw = detail::raw_of(options, handlers);
    rota_module id = 0;
    module loaded;
    detail::failure why;
    const rota_status code = ::rota_module_load(handle_, &raw, &id, &loaded.report_, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    loaded.of_tenant_ = owner_;
    loaded.tenant_ = handle_;
    loaded.id_ = id;
    return loaded;
}

inline result<module> runtime::load(const module_options &options) const {
    std::vector<rota_handler> handlers;
    const rota_module_options raw = detail::raw_of(options, handlers);
    rota_module id = 0;
    module loaded;
    detail::failure why;
    const rota_status code =
        ::rota_runtime_module_load(handle_, &raw, &id, &loaded.report_, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    loaded.of_runtime_ = owner_;
    loaded.runtime_ = handle_;
    loaded.id_ = id;
    return loaded;
}

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
