// A point-of-sale terminal that keeps selling: the C API of edgepos for C++17 and later, in one header.
//
//     edgepos::Node node(config);
//     std::string begun = node.begin(draft);
//
// What goes in and comes out is the JSON of the C API, as text: it depends on no library that reads JSON. A call that is not done
// throws edgepos::Error with its status; one that finds nothing gives std::nullopt. A Node may be used from several threads at once. What a
// function does is said in edgepos.h, under the name with `edgepos_node_` in front.

#ifndef EDGEPOS_HPP
#define EDGEPOS_HPP

#include <edgepos.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace edgepos {

// A call that was not done.
class Error : public std::runtime_error {
public:
    Error(std::int32_t status, const std::string &detail) : std::runtime_error(detail), status_(status) {}

    // One of EDGEPOS_INVALID and the like.
    std::int32_t status() const noexcept { return status_; }

private:
    std::int32_t status_;
};

namespace detail {

inline std::int32_t check(std::int32_t status) {
    if (status < EDGEPOS_OK) {
        std::string said = edgepos_last_detail();
        throw Error(status, said.empty() ? edgepos_status_text(status) : said);
    }
    return status;
}

// Refuses a library whose interface is another one than that of the header: where it is found at run time it may be another installation's.
inline void same_interface() {
    if (edgepos_abi() != EDGEPOS_ABI) {
        throw Error(EDGEPOS_SETUP, "the library has interface " + std::to_string(edgepos_abi()) + ", and this program needs " +
                                       std::to_string(EDGEPOS_ABI));
    }
}

// Frees a handle with the function of its type.
template <auto function> struct Free {
    template <typename T> void operator()(T *handle) const noexcept { function(handle); }
};

using Text = std::unique_ptr<edgepos_text, Free<edgepos_text_free>>;

// The text that a call answers with; nothing where there is nothing.
template <typename Call> std::optional<std::string> text(Call call) {
    edgepos_text *answer = nullptr;
    if (check(call(&answer)) != EDGEPOS_OK) {
        return std::nullopt;
    }
    Text owned(answer);
    return std::string(edgepos_text_data(owned.get()), edgepos_text_length(owned.get()));
}

// The number that a call answers with; nothing where there is nothing.
template <typename T, typename Call> std::optional<T> number(Call call) {
    T answer{};
    return check(call(&answer)) == EDGEPOS_OK ? std::optional<T>(answer) : std::nullopt;
}

inline std::uint64_t milliseconds(std::chrono::milliseconds time) {
    return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

// What a terminal that was closed has left, from whichever thread.
class Left {
public:
    std::optional<std::uint64_t> said() {
        std::lock_guard<std::mutex> lock(mutex_);
        return left_;
    }
    std::uint64_t say(std::uint64_t left) {
        std::lock_guard<std::mutex> lock(mutex_);
        return *(left_ = left);
    }

private:
    std::mutex mutex_;
    std::optional<std::uint64_t> left_;
};

} // namespace detail

// What a product will sell, and up to what to order.
inline std::string forecast(std::string_view request) {
    detail::same_interface();
    return *detail::text([&](auto out) { return edgepos_forecast(request.data(), request.size(), out); });
}

// How a store is read while a terminal starts: see `edgepos_scan`. It adds rows by `edgepos_rows_add`, and may throw.
using Scan = std::function<void(std::uint32_t space, std::string_view from, std::string_view to, std::uint32_t max_bytes, edgepos_rows *rows)>;

// A terminal that does nothing by itself, for the functions of edgepos.h that begin with `edgepos_terminal_`. One thread at a time.
using Terminal = std::unique_ptr<edgepos_terminal, detail::Free<edgepos_terminal_free>>;

// Starts one from what a store holds; an empty `scan` on the first start. What `scan` throws comes out of here: it does not pass through the
// library, which would end the process.
inline Terminal start(std::string_view config, std::uint64_t mono_ms, std::uint64_t wall_ms, std::uint64_t nonce, bool lossy, const Scan &scan) {
    struct Call {
        const Scan &scan;
        std::exception_ptr thrown;
    };
    detail::same_interface();
    Call call{scan, nullptr};
    edgepos_scan reads = [](void *user, std::uint32_t space, const std::uint8_t *from, std::size_t from_length, const std::uint8_t *to,
                            std::size_t to_length, std::uint32_t max_bytes, edgepos_rows *rows) noexcept -> std::int32_t {
        auto bytes = [](const std::uint8_t *data, std::size_t length) {
            return std::string_view(reinterpret_cast<const char *>(data), length);
        };
        Call &call = *static_cast<Call *>(user);
        try {
            call.scan(space, bytes(from, from_length), bytes(to, to_length), max_bytes, rows);
            return EDGEPOS_OK;
        } catch (...) {
            call.thrown = std::current_exception();
            return EDGEPOS_SETUP;
        }
    };
    edgepos_terminal *terminal = nullptr;
    std::int32_t status = edgepos_terminal_new(config.data(), config.size(), mono_ms, wall_ms, nonce, lossy ? 1 : 0,
                                               scan ? reads : nullptr, &call, &terminal);
    if (call.thrown) {
        std::rethrow_exception(call.thrown);
    }
    detail::check(status);
    return Terminal(terminal);
}

// Events as they are read back. One thread at a time.
class Events {
public:
    explicit Events(edgepos_events *events) : events_(events) {}

    // The next event; nothing where none came in time, or nothing further comes.
    std::optional<std::string> next(std::chrono::milliseconds timeout) {
        return detail::text([&](auto out) { return edgepos_events_next(events_.get(), detail::milliseconds(timeout), out); });
    }

    // Where `next` has thrown EDGEPOS_DAMAGED: passes by what is missing, says what as JSON, and reads on behind it; nothing where no event is
    // missing. A reading anew from the cursor would meet it again.
    std::optional<std::string> skip() {
        return detail::text([&](auto out) { return edgepos_events_skip(events_.get(), out); });
    }

    // Up to where events were handed out or passed by.
    std::string cursor() const {
        return *detail::text([&](auto out) { return edgepos_events_cursor(events_.get(), out); });
    }

private:
    std::unique_ptr<edgepos_events, detail::Free<edgepos_events_free>> events_;
};

// A running terminal, to sell through. Ends as in a crash where it was not closed.
class Node {
public:
    explicit Node(std::string_view config) {
        detail::same_interface();
        edgepos_node *node = nullptr;
        detail::check(edgepos_node_open(config.data(), config.size(), &node));
        node_.reset(node);
    }

    // Stops it; how many events the cloud is not known to hold. A second time it says the same again. One whose store has failed throws
    // EDGEPOS_STOPPED. One that hangs throws EDGEPOS_BUSY: it can be closed again.
    std::uint64_t close(std::chrono::milliseconds patience = std::chrono::milliseconds(0)) {
        // One that was moved from has none, and C refuses it.
        if (auto said = left_ ? left_->said() : std::nullopt) {
            return *said;
        }
        return left_->say(*detail::number<std::uint64_t>(
            [&](auto out) { return edgepos_node_close(node_.get(), detail::milliseconds(patience), out); }));
    }

    std::string begin(std::string_view draft) { return *named<edgepos_node_begin>(draft); }
    std::string update(std::string_view draft) { return *named<edgepos_node_update>(draft); }
    std::string commit(std::string_view payment) { return *named<edgepos_node_commit>(payment); }
    std::string record(std::string_view record) { return *named<edgepos_node_record>(record); }
    std::string claim(std::string_view basket) { return *named<edgepos_node_claim>(basket); }
    void abandon(std::string_view basket) { does<edgepos_node_abandon>(basket); }
    void park(std::string_view basket) { does<edgepos_node_park>(basket); }
    std::string unresolved() const { return *plain<edgepos_node_unresolved>(); }
    std::string unresolved_payments() const { return *plain<edgepos_node_unresolved_payments>(); }
    std::optional<std::string> basket(std::string_view basket) const { return named<edgepos_node_basket>(basket); }

    std::optional<std::string> document(std::string_view query) const { return named<edgepos_node_document>(query); }
    std::optional<std::string> customer(std::string_view query) const { return named<edgepos_node_customer>(query); }
    void keep_key(std::string_view key) { does<edgepos_node_keep_key>(key); }
    std::string documents(std::string_view query) const { return *named<edgepos_node_documents>(query); }
    std::string attachments(std::string_view basket) const { return *named<edgepos_node_attachments>(basket); }
    std::optional<std::string> attachment(std::string_view query) const { return named<edgepos_node_attachment>(query); }

    std::string receipts_of_basket(std::string_view basket) const { return *named<edgepos_node_receipts_of_basket>(basket); }
    std::string receipts_of_key(std::string_view key) const { return *named<edgepos_node_receipts_of_key>(key); }
    std::optional<std::string> transaction(std::string_view event) const { return named<edgepos_node_transaction>(event); }
    std::optional<std::string> event(std::string_view event) const { return named<edgepos_node_event>(event); }
    // A page; `query` and `after` may be empty.
    std::string transactions(std::string_view query, std::string_view after, std::uint32_t limit) const {
        return *detail::text([&](auto out) {
            return edgepos_node_transactions(node_.get(), query.data(), query.size(), after.data(), after.size(), limit, out);
        });
    }
    // EDGEPOS_HERE, EDGEPOS_AT_LEADER or EDGEPOS_IN_CLOUD; nothing where it is not durable here.
    std::optional<std::int32_t> durability(std::string_view event) const {
        return detail::number<std::int32_t>(
            [&](auto out) { return edgepos_node_durability(node_.get(), event.data(), event.size(), out); });
    }
    // `cursor` may be empty.
    Events events_since(std::string_view cursor, bool follow) const {
        edgepos_events *events = nullptr;
        detail::check(edgepos_node_events_since(node_.get(), cursor.data(), cursor.size(), follow ? 1 : 0, &events));
        return Events(events);
    }

    std::optional<std::int64_t> counter(std::uint32_t counter, std::string_view key, std::uint32_t location = 0,
                                        std::uint32_t state = EDGEPOS_ON_HAND) const {
        return detail::number<std::int64_t>([&](auto out) {
            auto bytes = reinterpret_cast<const std::uint8_t *>(key.data());
            return edgepos_node_counter(node_.get(), counter, location, state, bytes, key.size(), out);
        });
    }
    // A page; `after` may be empty.
    std::string counters_after(std::uint32_t counter, std::string_view after) const {
        return *detail::text([&](auto out) {
            return edgepos_node_counters_after(node_.get(), counter, after.data(), after.size(), out);
        });
    }
    std::optional<std::string> product(std::string_view product) const { return named<edgepos_node_product>(product); }
    std::optional<std::string> product_at(std::string_view product, std::uint64_t at_ms) const {
        return detail::text([&](auto out) {
            return edgepos_node_product_at(node_.get(), product.data(), product.size(), at_ms, out);
        });
    }
    // What a business day (yyyymmdd) comes to, of a terminal or, with 0, of the whole store.
    std::string day_figures(std::uint32_t day, std::uint16_t terminal) const {
        return *detail::text([&](auto out) { return edgepos_node_day_figures(node_.get(), day, terminal, out); });
    }
    std::optional<std::string> price(std::string_view product, std::uint16_t list, std::uint64_t at_ms) const {
        return detail::text([&](auto out) {
            return edgepos_node_price(node_.get(), product.data(), product.size(), list, at_ms, out);
        });
    }

    // Nothing where none came in time.
    std::optional<std::string> next_notice(std::chrono::milliseconds timeout) {
        return detail::text(
            [&](auto out) { return edgepos_node_next_notice(node_.get(), detail::milliseconds(timeout), out); });
    }
    // What a fiscal signer is asked next; nothing where nothing came in time.
    std::optional<std::string> next_to_sign(std::chrono::milliseconds timeout) {
        return detail::text(
            [&](auto out) { return edgepos_node_next_to_sign(node_.get(), detail::milliseconds(timeout), out); });
    }
    // What the signer has answered to that; whether somebody still waited for it. `signed` is a word of the language.
    bool signed_(std::string_view answer) {
        return detail::check(edgepos_node_signed(node_.get(), answer.data(), answer.size())) == EDGEPOS_OK;
    }
    std::string status() const { return *plain<edgepos_node_status>(); }
    std::string diagnosis() const { return *plain<edgepos_node_diagnosis>(); }
    std::string elections() const { return *plain<edgepos_node_elections>(); }
    std::string lost() const { return *plain<edgepos_node_lost>(); }
    std::string metrics() const { return *plain<edgepos_node_metrics>(); }
    std::string address() const { return *plain<edgepos_node_address>(); }
    // A page; `after` may be empty.
    std::string exceptions_after(std::string_view after) const { return *named<edgepos_node_exceptions_after>(after); }

    // The same with what is decided about each.
    std::string open_exceptions_after(std::string_view after) const {
        return *named<edgepos_node_open_exceptions_after>(after);
    }
    std::string resolve(std::string_view request) { return *named<edgepos_node_resolve>(request); }
    // A page of the audit record; `after` may be empty.
    std::string resolutions(std::string_view after) const { return *named<edgepos_node_resolutions>(after); }

    // `request` says which models: {"folder":"models"}.
    void use_models(std::string_view request) { does<edgepos_node_use_models>(request); }
    std::string recognise(std::string_view picture, std::chrono::milliseconds timeout) {
        return media<edgepos_node_recognise>(picture, timeout);
    }
    std::string read_barcode(std::string_view picture, std::chrono::milliseconds timeout) {
        return media<edgepos_node_read_barcode>(picture, timeout);
    }
    std::string hear(std::string_view clip, std::chrono::milliseconds timeout) { return media<edgepos_node_hear>(clip, timeout); }
    std::string score(std::string_view payment, std::chrono::milliseconds timeout) {
        return *detail::text([&](auto out) {
            return edgepos_node_score(node_.get(), payment.data(), payment.size(), detail::milliseconds(timeout), out);
        });
    }

    void admit(std::string_view replica) { does<edgepos_node_admit>(replica); }
    void retire(std::string_view replica) { does<edgepos_node_retire>(replica); }
    void replace(std::uint16_t terminal, bool planned) {
        detail::check(edgepos_node_replace(node_.get(), terminal, planned ? 1 : 0));
    }
    void write_off(std::uint16_t terminal) { detail::check(edgepos_node_write_off(node_.get(), terminal)); }
    std::uint32_t raise_level() {
        return *detail::number<std::uint32_t>([&](auto out) { return edgepos_node_raise_level(node_.get(), out); });
    }
    void report_condition(std::string_view kind, std::uint64_t count, std::string_view about) {
        detail::check(
            edgepos_node_report_condition(node_.get(), kind.data(), kind.size(), count, about.data(), about.size()));
    }
    void report_inference(std::uint32_t what, std::uint64_t took_us) {
        detail::check(edgepos_node_report_inference(node_.get(), what, took_us));
    }
    void flush() { detail::check(edgepos_node_flush(node_.get())); }
    std::uint64_t flush_until_uploaded(std::chrono::milliseconds patience) {
        return *detail::number<std::uint64_t>([&](auto out) {
            return edgepos_node_flush_until_uploaded(node_.get(), detail::milliseconds(patience), out);
        });
    }
    void step_down() { detail::check(edgepos_node_step_down(node_.get())); }

private:
    template <auto call> std::optional<std::string> plain() const {
        return detail::text([&](auto out) { return call(node_.get(), out); });
    }
    template <auto call> std::optional<std::string> named(std::string_view name) const {
        return detail::text([&](auto out) { return call(node_.get(), name.data(), name.size(), out); });
    }
    template <auto call> std::string media(std::string_view bytes, std::chrono::milliseconds timeout) {
        return *detail::text([&](auto out) {
            auto data = reinterpret_cast<const std::uint8_t *>(bytes.data());
            return call(node_.get(), data, bytes.size(), detail::milliseconds(timeout), out);
        });
    }
    template <auto call> void does(std::string_view name) { detail::check(call(node_.get(), name.data(), name.size())); }

    std::unique_ptr<edgepos_node, detail::Free<edgepos_node_free>> node_;
    std::unique_ptr<detail::Left> left_ = std::make_unique<detail::Left>();
};

} // namespace edgepos

#endif // EDGEPOS_HPP
