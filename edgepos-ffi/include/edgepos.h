/* The C API of edgepos. Made from the source of edgepos-ffi by `cargo xtask header`: do not edit.
 *
 * Every function that can fail answers with a status: EDGEPOS_OK, above it a status without an answer, below it a failure, which
 * edgepos_last_detail() explains. Outputs are written only with EDGEPOS_OK. Texts are UTF-8 with their length. Handles are freed by
 * whoever got them. A handle may be used from any thread; each function says under "Threads" whether several may call it at once. There are
 * twenty statuses, of which none changes its meaning and none is added: a new reason comes under the one that says what to do. */

#ifndef EDGEPOS_H
#define EDGEPOS_H

#include <stddef.h>
#include <stdint.h>

/*
 Longest text of a request or a configuration, in bytes.
 */
#define EDGEPOS_MAX_REQUEST 1048576

/*
 Longest name: of a basket, a key, an event, a product; in bytes.
 */
#define EDGEPOS_MAX_NAME 1024

/*
 Longest picture or clip, in bytes.
 */
#define EDGEPOS_MAX_MEDIA 16777216

/*
 Longest frame, row or answer of the cloud that the sans-IO level takes, in bytes.
 */
#define EDGEPOS_MAX_BYTES 67108864

/*
 The version of the interface that a header describes. It rises when something is taken out or changes its meaning.
 */
#define EDGEPOS_ABI 1

/*
 What a model did: it answered in time and was sure enough.
 */
#define EDGEPOS_ANSWERED 0

/*
 What a model did: the caller got a fallback.
 */
#define EDGEPOS_FALLBACK 1

/*
 What a model did: a person confirmed its answer.
 */
#define EDGEPOS_RIGHT 2

/*
 What a model did: a person corrected its answer.
 */
#define EDGEPOS_WRONG 3

/*
 What is counted: pieces, grams or millilitres of a product; the key is the product's code.
 */
#define EDGEPOS_STOCK 0

/*
 What is counted: loyalty points; the key is the customer.
 */
#define EDGEPOS_POINTS 1

/*
 What is counted: the quantity that may still be returned of one line; the key is the basket's 16 bytes and the line's number in 2.
 */
#define EDGEPOS_RETURNABLE 2

/*
 What is counted: money on a gift card, in minor units; the key is the card.
 */
#define EDGEPOS_STORED_VALUE 3

/*
 What is counted: uses left of a coupon; the key is the coupon.
 */
#define EDGEPOS_COUPON_USE 4

/*
 What is counted: cash in a drawer, in minor units; the key is the drawer, a slash and the currency.
 */
#define EDGEPOS_CASH 5

/*
 What is counted: by how much the payments of a sale did not come to its total, in minor units below zero; the key is the basket's 16 bytes.
 */
#define EDGEPOS_DIFFERENCE 6

/*
 What is counted: money that was paid back on one line, in minor units below zero; the key is the basket's 16 bytes and the line's number in 2.
 */
#define EDGEPOS_REFUNDABLE 7

/*
 What is counted: the first number that a vendor may use as it likes.
 */
#define EDGEPOS_VENDOR 32768

/*
 In place of a counter: any of them.
 */
#define EDGEPOS_ANY_COUNTER 65536

/*
 Stock is on the shelf or in the store room. Other counters have this one.
 */
#define EDGEPOS_ON_HAND 0

/*
 Stock is promised to a customer.
 */
#define EDGEPOS_RESERVED 1

/*
 Stock is on its way between locations.
 */
#define EDGEPOS_IN_TRANSIT 2

/*
 Stock is not fit for sale.
 */
#define EDGEPOS_DAMAGED_STOCK 3

/*
 How safe an event is: on this terminal's disk.
 */
#define EDGEPOS_HERE 1

/*
 How safe an event is: also on the disk of the terminal that leads.
 */
#define EDGEPOS_AT_LEADER 2

/*
 How safe an event is: also in the cloud.
 */
#define EDGEPOS_IN_CLOUD 3

/*
 It is done, and every output is written.
 */
#define EDGEPOS_OK 0

/*
 It is done, and there is nothing: no such name, no value, nothing came in time. No output is written.
 */
#define EDGEPOS_NOTHING 1

/*
 Nothing further comes. No output is written.
 */
#define EDGEPOS_END 2

/*
 An argument is NULL, no handle, not UTF-8 or over its limit. A fault of the caller.
 */
#define EDGEPOS_INVALID -1

/*
 What was asked does not read, or is refused for what it says. A repeat is refused again.
 */
#define EDGEPOS_BAD_REQUEST -2

/*
 The terminal cannot be opened: its configuration, its files or its address.
 */
#define EDGEPOS_SETUP -3

/*
 Too much is under way, or another thread uses what one at a time may use. Ask again.
 */
#define EDGEPOS_BUSY -4

/*
 The terminal has stopped or was closed.
 */
#define EDGEPOS_STOPPED -5

/*
 A fault of this library: this call or an earlier one of this handle panicked. Only closing and freeing it work.
 */
#define EDGEPOS_POISONED -6

/*
 What is stored cannot be read.
 */
#define EDGEPOS_DAMAGED -7

/*
 There is no such open basket.
 */
#define EDGEPOS_UNKNOWN_BASKET -8

/*
 The basket was parked, and goes on at another till.
 */
#define EDGEPOS_ELSEWHERE -9

/*
 The basket is booked already, here or at another terminal, or the key belongs to something else.
 */
#define EDGEPOS_BOOKED -10

/*
 More of a receipt line would come back than may.
 */
#define EDGEPOS_NOT_RETURNABLE -11

/*
 Payments stand in the way: less the change they do not come to the total, a payment is not approved for this basket, was intended
 before, or money was taken. The basket stays open.
 */
#define EDGEPOS_TENDERS -12

/*
 The business day does not allow it.
 */
#define EDGEPOS_DAY -13

/*
 The disk is full: nothing further is begun until there is room.
 */
#define EDGEPOS_DISK_FULL -14

/*
 The clock of this terminal is off: set it first.
 */
#define EDGEPOS_CLOCK_OFF -15

/*
 The store does not decide it here and now: this terminal does not lead, or no majority is heard.
 */
#define EDGEPOS_NOT_DECIDED -16

/*
 There is no model to ask: none is used for it, it cannot be loaded, or this library was built without models.
 */
#define EDGEPOS_NO_MODEL -17

/*
 Why the cloud did not answer: there is no connection.
 */
#define EDGEPOS_UNREACHABLE 0

/*
 Why the cloud did not answer: not in time.
 */
#define EDGEPOS_TIMED_OUT 1

/*
 Why the cloud did not answer: somebody refuses, with a status as HTTP numbers them.
 */
#define EDGEPOS_REJECTED 2

/*
 Why the cloud did not answer: it asks to wait, so many milliseconds.
 */
#define EDGEPOS_OVERLOADED 3

/*
 How a store is: nothing waits.
 */
#define EDGEPOS_STORE_WELL 0

/*
 How a store is: writes are repeated, since another program holds it.
 */
#define EDGEPOS_STORE_BUSY 1

/*
 How a store is: writes are repeated, since the disk is full.
 */
#define EDGEPOS_STORE_FULL 2

/*
 A duty: make its writes durable, with everything that was written before, then tell `edgepos_terminal_persisted`. It may have none.
 */
#define EDGEPOS_PERSIST 1

/*
 A duty: write, in order with each `EDGEPOS_PERSIST`, and tell `edgepos_terminal_persisted` as soon as no end of this process can lose it.
 */
#define EDGEPOS_WRITE 2

/*
 A duty: read, then tell `edgepos_terminal_loaded`.
 */
#define EDGEPOS_LOAD 3

/*
 A duty: send a frame, which may be lost.
 */
#define EDGEPOS_TRANSMIT 4

/*
 A duty: ask the cloud, then tell `edgepos_terminal_answered` or `edgepos_terminal_unanswered`.
 */
#define EDGEPOS_UPLINK 5

/*
 A duty: answer whoever made the request with this id.
 */
#define EDGEPOS_REPLY 6

/*
 Something happened; may be dropped.
 */
#define EDGEPOS_NOTICE 7

/*
 Longest key of a row, in bytes.
 */
#define EDGEPOS_MAX_KEY 1025

/*
 Events as they are read back. Whoever got it frees it.

 One thread at a time calls its functions: another gets `EDGEPOS_BUSY`.
 */
typedef struct edgepos_events edgepos_events;

/*
 A running terminal, to sell through. Whoever opened it closes and frees it.

 All its functions may be called from any thread, and from several at once, unless a function says otherwise.
 */
typedef struct edgepos_node edgepos_node;

/*
 Something that a caller must do. Whoever got it frees it. Any thread may call its functions, and what they lend is good until it is freed.
 */
typedef struct edgepos_output edgepos_output;

/*
 Rows by rising key, which a caller hands over. Whoever made it frees it. Any thread may call its functions.
 */
typedef struct edgepos_rows edgepos_rows;

/*
 One terminal of a store, as a value that does nothing by itself. Whoever made it frees it.

 One thread at a time calls its functions: another gets `EDGEPOS_BUSY`.
 */
typedef struct edgepos_terminal edgepos_terminal;

/*
 A text in UTF-8 that a call has answered with, mostly JSON. Whoever got it frees it. Any thread may call its functions, and what they
 lend is good until it is freed.
 */
typedef struct edgepos_text edgepos_text;

/*
 How a caller's store is read while a terminal starts: it adds to `rows`, by rising key, the rows of `space` from the key `from` to the
 key `to`, both inclusive, up to and including the row that makes the keys and values reach `max_bytes`, and returns 0; anything else
 says that the store cannot be read. It is called on the thread that starts the terminal, which holds no lock, and never afterwards. It must
 return: an exception or a `longjmp` out of it ends the process. `edgepos::start` of `edgepos.hpp` keeps an exception and throws it behind
 the call.
 */
typedef int32_t (*edgepos_scan)(void *user,
                                uint32_t space,
                                const uint8_t *from,
                                size_t from_length,
                                const uint8_t *to,
                                size_t to_length,
                                uint32_t max_bytes,
                                edgepos_rows *rows);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 What a product will sell, and up to what to order. It keeps nothing: what is known of a product and of the shop's week is handed in and
 out.

 `request` is JSON: `demand` and `week`, as the last answer had them, or absent at first; `days` since then, each with `weekday` (0 to 6),
 `sold`, `in_stock` (false where goods were out), and `shop`, what the whole shop sold, where the week shall learn of it; `ahead`, the
 weekdays that come; and `service_level` (500 to 999 per mille, 950 where absent), `on_hand` and `on_order`. On success `*out` is JSON
 with `demand` and `week` to be kept, `days`, `level` and `dispersion` that are known, and of the days ahead `mean`, `variance`, `expected`,
 `order_up_to` and `suggestion`.

 Threads: any, at any time.

 # Safety
 `request` points to `request_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_forecast(const char *request,
                         size_t request_length,
                         edgepos_text **out);

/*
 The version of the interface that this library has. A program compares it with `EDGEPOS_ABI` of the header that it was compiled with.

 Threads: any, at any time.
 */
uint32_t edgepos_abi(void);

/*
 The version of the library, such as `0.1.0`, with a zero byte behind it.

 Threads: any, at any time.
 */
const char *edgepos_version(void);

/*
 What a status says, in a few English words with a zero byte behind them; `unknown status` for a number that this version does not
 know.

 Threads: any, at any time.
 */
const char *edgepos_status_text(int32_t status);

/*
 Why the last call of this thread was not done, in English with a zero byte behind it; empty when it was. It is good until this
 thread ends, and says what its latest call had to say, cut at 1,023 bytes; freeing something says nothing. Any thread may call it at any time, and asks for its own.

 Threads: any, at any time.
 */
const char *edgepos_last_detail(void);

/*
 Opens a terminal: its database, its address, its threads.

 `config` is what a file of the Rust interface says, as TOML or as an object in JSON: `terminal`, `store`, `database`, `listen` and
 `cloud` at least. A relative `database` is in the process's working directory. On success `*out` is a handle, to be freed by
 `edgepos_node_free`.

 `EDGEPOS_SETUP` where it does not read, an address is taken, or the database is another terminal's. No event
 was written then; a database that was not there may be, with nothing in it. It runs in the process that opened it: in one that was forked from that, every call of the handle but
 freeing answers `EDGEPOS_STOPPED`.

 Threads: any, at any time.

 # Safety
 `config` points to `config_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_open(const char *config,
                          size_t config_length,
                          edgepos_node **out);

/*
 Where the other terminals may call this one, as `address:port`: what `listen` says, with the port that was free where it says 0.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_address(const edgepos_node *node,
                             edgepos_text **out);

/*
 Closes a terminal: sends what is batched until the cloud holds all events, or until `patience_ms` is over, hands the leadership over
 where it has it, stops it, and waits until its files and its address are free. On success, where `left` is not NULL, `*left` is how many events the cloud is not known to hold; they
 are on disk, and go up after the next start. `EDGEPOS_STOPPED` where it was closed before. `EDGEPOS_BUSY` where it does not come to an end
 within 30 s beyond the patience, as where its disk hangs: it stops as soon as it goes on, and whoever closes it again is told how many events are
 left, then or afterwards; freeing leaves it to itself. Of two threads that close it at once one is told that, and the other
 `EDGEPOS_STOPPED`. Calls of other threads that are under way
 end, with their answer or with `EDGEPOS_STOPPED`; so does every later one. Works on a handle that is poisoned.

 Threads: any, at any time.

 # Safety
 `left` is NULL, or points to where a number may be written.
 */
int32_t edgepos_node_close(const edgepos_node *node,
                           uint64_t patience_ms,
                           uint64_t *left);

/*
 Frees the handle. One that was not closed ends as in a crash: what was acknowledged is on disk. Its files and its address are free when this
 returns, unless the disk hangs. It waits 30 s at most for them, and then 5 s for the threads of the terminal: one that hangs is left to itself,
 with what it holds. NULL and a handle that was freed are let pass. A call that is under way on another thread ends first with
 its answer, and then they are free; no later one knows the handle.

 Threads: any, at any time.
 */
void edgepos_node_free(edgepos_node *node);

/*
 A page of the exceptions that are raised and have not ended, at most 1,000, by what they are about. `after` is `next` of the page
 before, or of length 0 for the first. On success `*out` is JSON with `exceptions` and `next`, which is null behind the last page.

 Threads: any, at any time.

 # Safety
 `after` points to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_exceptions_after(const edgepos_node *node,
                                      const char *after,
                                      size_t after_length,
                                      edgepos_text **out);

/*
 Reports a condition that the application alone can see: `kind` is its name, `about` says in English what it is about, and `count` how
 many are concerned; 0: it is over.

 Threads: any, at any time.

 # Safety
 `kind` points to `kind_length` bytes, and `about` to `about_length` bytes.
 */
int32_t edgepos_node_report_condition(const edgepos_node *node,
                                      const char *kind,
                                      size_t kind_length,
                                      uint64_t count,
                                      const char *about,
                                      size_t about_length);

/*
 Reports what a model of the application did, for the metrics and alerts. `what` is `EDGEPOS_ANSWERED`, `EDGEPOS_FALLBACK`, `EDGEPOS_RIGHT`
 or `EDGEPOS_WRONG`, and `took_us` how long the caller waited in microseconds, which the last two do not need.

 Threads: any, at any time.
 */
int32_t edgepos_node_report_inference(const edgepos_node *node,
                                      uint32_t what,
                                      uint64_t took_us);

/*
 One counter; `EDGEPOS_NOTHING` when nothing ever moved it.

 `counter` is one of `EDGEPOS_STOCK` and the like, `state` one of `EDGEPOS_ON_HAND` and the like, `location` the place in the store, 0
 where there is one.

 Threads: any, at any time.

 # Safety
 `key` points to `key_length` bytes, and `out` to where a number may be written.
 */
int32_t edgepos_node_counter(const edgepos_node *node,
                             uint32_t counter,
                             uint32_t location,
                             uint32_t state,
                             const uint8_t *key,
                             size_t key_length,
                             int64_t *out);

/*
 A page of counters by rising key, at most 1,000. `counter` is one of `EDGEPOS_STOCK` and the like, or `EDGEPOS_ANY_COUNTER`; `after` is
 `next` of the page before, or of length 0 for the first. On success `*out` is JSON with `counters` and `next`, which is null behind
 the last page. Sales go on between two pages.

 Threads: any, at any time.

 # Safety
 `after` points to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_counters_after(const edgepos_node *node,
                                    uint32_t counter,
                                    const char *after,
                                    size_t after_length,
                                    edgepos_text **out);

/*
 What was last said of a product as JSON, also where it is not in force yet; `EDGEPOS_NOTHING` where nothing was.

 Threads: any, at any time.

 # Safety
 `product` points to `product_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_product(const edgepos_node *node,
                             const char *product,
                             size_t product_length,
                             edgepos_text **out);

/*
 A product's master data that is in force at `at_ms`, in ms since 1970 UTC, as JSON; `EDGEPOS_NOTHING` where none is.

 Threads: any, at any time.

 # Safety
 `product` points to `product_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_product_at(const edgepos_node *node,
                                const char *product,
                                size_t product_length,
                                uint64_t at_ms,
                                edgepos_text **out);

/*
 The price of a product on a list that is in force at `at_ms`, in ms since 1970 UTC, as JSON; `EDGEPOS_NOTHING` where none is. List 0 is
 everybody's.

 Threads: any, at any time.

 # Safety
 `product` points to `product_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_price(const edgepos_node *node,
                           const char *product,
                           size_t product_length,
                           uint16_t list,
                           uint64_t at_ms,
                           edgepos_text **out);

/*
 A document as it is in force at a moment, as JSON with its `text`, or its `bytes` in hexadecimal; `EDGEPOS_NOTHING` where none is.

 `query` is JSON with `namespace`, `key` and `at_ms` (milliseconds since 1970 UTC).

 Threads: any, at any time.

 # Safety
 `query` points to `query_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_document(const edgepos_node *node,
                              const char *query,
                              size_t query_length,
                              edgepos_text **out);

/*
 The documents of a namespace that are in force at a moment, at most 1,000: a list in JSON, each with `key`, `version`, `effective_at` and
 `event`.

 `query` is JSON with `namespace`, `at_ms` (milliseconds since 1970 UTC) and, for the page behind another, `after`: its last key.

 Threads: any, at any time.

 # Safety
 `query` points to `query_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_documents(const edgepos_node *node,
                               const char *query,
                               size_t query_length,
                               edgepos_text **out);

/*
 What is attached to a basket, as far as it has come here, at most 64: a list in JSON, each with `hash`, `name`, `media_type`, `size`,
 `parts` and `held`, how many parts have come. Parts are recorded by `edgepos_node_record`, as `attached`.

 `basket` is its name, 32 hexadecimal digits.

 Threads: any, at any time.

 # Safety
 `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_attachments(const edgepos_node *node,
                                 const char *basket,
                                 size_t basket_length,
                                 edgepos_text **out);

/*
 Something that is attached to a basket, as JSON as in `edgepos_node_attachments` and with its `bytes` in hexadecimal, once all its parts
 have come; `EDGEPOS_NOTHING` where none of this hash has. What does not have this hash is damaged.

 `query` is JSON with `basket` and `hash`.

 Threads: any, at any time.

 # Safety
 `query` points to `query_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_attachment(const edgepos_node *node,
                                const char *query,
                                size_t query_length,
                                edgepos_text **out);

/*
 A customer by pseudonym or by another name, as JSON with `customer`, `state` (`open`, `no_key`, `unconfirmed` or `erased`) and, where it is
 open, `text`, or `bytes` in hexadecimal; `EDGEPOS_NOTHING` where none of this name was heard of.

 `query` is JSON with `customer` or `name`.

 Threads: any, at any time.

 # Safety
 `query` points to `query_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_customer(const edgepos_node *node,
                              const char *query,
                              size_t query_length,
                              edgepos_text **out);

/*
 Keeps the key to a customer's fields on this terminal's disk, until the customer is erased. It goes into no event and to nobody else.

 `key` is JSON with `customer` and `secret`, 64 hexadecimal digits.

 Threads: any, at any time.

 # Safety
 `key` points to `key_length` bytes.
 */
int32_t edgepos_node_keep_key(const edgepos_node *node,
                              const char *key,
                              size_t key_length);

/*
 Every event that this terminal holds above `cursor`, its own and others', and, where `follow` is not 0, then each that comes. Nothing is
 lost, however slow the reader is. `cursor` is what `edgepos_events_cursor` gave, or of length 0 to begin with the first event. On
 success `*out` is a handle, to be freed by `edgepos_events_free`.

 Threads: any, at any time.

 # Safety
 `cursor` points to `cursor_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_events_since(const edgepos_node *node,
                                  const char *cursor,
                                  size_t cursor_length,
                                  uint32_t follow,
                                  edgepos_events **out);

/*
 The next event as JSON; waits for one at most `timeout_ms`, and answers `EDGEPOS_NOTHING` where none came. `EDGEPOS_END` where everything
 was read and nothing is followed, `EDGEPOS_STOPPED` where the terminal has stopped, or another thread has freed the handle meanwhile: open
 it anew, and go on from the cursor. `EDGEPOS_DAMAGED` where the next event is not there to be read: it is lost, or its row is damaged. The
 cursor stands before it, so that a reading from there meets it again: `edgepos_events_skip` goes on behind it. After an error nothing
 follows, and it is answered again.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_events_next(const edgepos_events *events,
                            uint64_t timeout_ms,
                            edgepos_text **out);

/*
 Passes by the event that `edgepos_events_next` has answered `EDGEPOS_DAMAGED` for, with those behind it in its chain that are not there
 either, and reads on behind them. On success `*out` is JSON with `first` and `last`, what was passed by, and the cursor stands behind it. One
 call passes by 4,096 at most: where more are missing `edgepos_events_next` says so, and the next call goes on. `EDGEPOS_NOTHING` where no
 event is missing, or where it has come back, and nothing is passed by: read on. What another terminal or the cloud still holds comes back by
 itself while it is heard: whoever can wait reads from the cursor again before anything is passed by, and `edgepos_node_lost` says what is
 lost for good.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_events_skip(const edgepos_events *events,
                            edgepos_text **out);

/*
 Up to where events were handed out or passed by, as JSON: an application keeps it with what it has dealt with, and goes on from there after a crash.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_events_cursor(const edgepos_events *events,
                              edgepos_text **out);

/*
 Ends the reading and frees the handle. NULL and a handle that was freed are let pass. Any thread may call it, and one that waits for an
 event waits no longer.

 Threads: any, at any time.
 */
void edgepos_events_free(edgepos_events *events);

/*
 Lets another incarnation, such as `3-0123456789ab`, take part in what the store decides. `EDGEPOS_NOT_DECIDED` where this terminal does
 not lead.

 Threads: any, at any time.

 # Safety
 `replica` points to `replica_length` bytes.
 */
int32_t edgepos_node_admit(const edgepos_node *node,
                           const char *replica,
                           size_t replica_length);

/*
 Takes an incarnation, such as `3-0123456789ab`, out of what the store decides, for good. `EDGEPOS_NOT_DECIDED` where this terminal does not
 lead.

 Threads: any, at any time.

 # Safety
 `replica` points to `replica_length` bytes.
 */
int32_t edgepos_node_retire(const edgepos_node *node,
                            const char *replica,
                            size_t replica_length);

/*
 Another box takes the place of the terminal with this number, once it is there and the old one is silent; where `planned` is not 0, the
 old one sells on until then. To be asked at any terminal of the store; asked twice is asked once.

 Threads: any, at any time.
 */
int32_t edgepos_node_replace(const edgepos_node *node,
                             uint16_t terminal,
                             uint32_t planned);

/*
 The store gives up what the retired incarnations of this number are known to have left and nobody has. To be asked at any terminal of
 the store; asked twice is asked once.

 Threads: any, at any time.
 */
int32_t edgepos_node_write_off(const edgepos_node *node,
                               uint16_t terminal);

/*
 Raises the store to the highest feature level that every terminal has announced, which is `*out` on success. `EDGEPOS_NOT_DECIDED` where
 this terminal does not lead, or not all have announced one.

 Threads: any, at any time.

 # Safety
 `out` points to where a number may be written.
 */
int32_t edgepos_node_raise_level(const edgepos_node *node,
                                 uint32_t *out);

/*
 Sends at once what is batched.

 Threads: any, at any time.
 */
int32_t edgepos_node_flush(const edgepos_node *node);

/*
 Sends what is batched until the cloud holds every event of this terminal, or until `patience_ms` is over. On success `*left` is how many
 events it is not known to hold; 0 where all are safe. `EDGEPOS_STOPPED` where the terminal stops meanwhile, or another thread frees it.

 Threads: any, at any time.

 # Safety
 `left` points to where a number may be written.
 */
int32_t edgepos_node_flush_until_uploaded(const edgepos_node *node,
                                          uint64_t patience_ms,
                                          uint64_t *left);

/*
 Hands the leadership over, where this terminal has it.

 Threads: any, at any time.
 */
int32_t edgepos_node_step_down(const edgepos_node *node);

/*
 How the elections of the store went, as this terminal saw them since its start, as JSON.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_elections(const edgepos_node *node, edgepos_text **out);

/*
 Says which models are used, once. Each is loaded when it is first asked, and runs on a thread of its own. Where one is missing the
 condition `model_missing` says so; what they did goes into the metrics. Where the configuration has `model_within_ms` under
 `resolver`, the one for `fraud` looks at exceptions.

 `request` is JSON: `folder`, with their `manifest.json`; `jobs`, some of `product`, `barcode`, `fraud` and `voice`, all of them where absent;
 and `deadline_ms`, how long one may take for an answer, 300 where absent: an engine that needs longer is not used.
 `EDGEPOS_NO_MODEL` where this library was built without models, `EDGEPOS_BAD_REQUEST` where some are used already.

 Threads: any, at any time.

 # Safety
 `request` points to `request_length` bytes.
 */
int32_t edgepos_node_use_models(const edgepos_node *node,
                                const char *request,
                                size_t request_length);

/*
 Says which products a PNG or JPEG shows; at most 16 MiB. A PNG that is cut off is refused by its `code`, `decode`; of a JPEG that is cut off
 behind its headers what is there is looked at, and the answer has `requires_confirmation`. Waits at most `timeout_ms`, loading included.

 On success `*out` is JSON with `outcome`. `answer`: `label` and `confidence` (0 to 1) of the most likely product, `requires_confirmation`,
 `candidates`, `region` where it is known, and `total_us`. `fallback`: no answer in time, or none that counts: the person at the till does
 `action`; `code` says why for programs, and `reason` for people. `EDGEPOS_NO_MODEL` where there is none.

 Threads: any, at any time.

 # Safety
 `picture` points to `picture_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_recognise(const edgepos_node *node,
                               const uint8_t *picture,
                               size_t picture_length,
                               uint64_t timeout_ms,
                               edgepos_text **out);

/*
 Reads the barcode on a PNG or JPEG; at most 16 MiB. Waits as `edgepos_node_recognise` does, and answers like it; an `answer` has `text`,
 `symbology`, `gtin`, `add_on`, `gs1` (each null where there is none), `confidence`, `requires_confirmation` and `region`.

 Threads: any, at any time.

 # Safety
 `picture` points to `picture_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_read_barcode(const edgepos_node *node,
                                  const uint8_t *picture,
                                  size_t picture_length,
                                  uint64_t timeout_ms,
                                  edgepos_text **out);

/*
 Says how likely a payment is fraud. Waits as `edgepos_node_recognise` does, and answers like it; an `answer` has `score` (0 to 1) and
 `suspicious`.

 `payment` is JSON: `amount` in minor units, `currency`, `card_present`, `weekday` (0 is Monday) and `second_of_day` on the store's clock; where they are
 known `billing`, `shipping` and `terminal`, each with `latitude` and `longitude` in degrees; `customer`, what this customer paid up to and with
 this payment: `day`, `week` and `month`, each with `payments` and `total`, and `seconds_since_last`; and `at_terminal` with
 `payments_7d`, `fraud_share_7d` and `fraud_share_30d`. What is absent counts as a first payment.

 Threads: any, at any time.

 # Safety
 `payment` points to `payment_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_score(const edgepos_node *node,
                           const char *payment,
                           size_t payment_length,
                           uint64_t timeout_ms,
                           edgepos_text **out);

/*
 Hears the command in a WAV file of 16-bit PCM; at most 30 s and 16 MiB. Waits as `edgepos_node_recognise` does, and answers like it; an
 `answer` has `heard`: `silence`, `unknown`, or `command` with `word`, `confidence` and `requires_confirmation`. `EDGEPOS_BAD_REQUEST` where
 it is no such file.

 Threads: any, at any time.

 # Safety
 `clip` points to `clip_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_hear(const edgepos_node *node,
                          const uint8_t *clip,
                          size_t clip_length,
                          uint64_t timeout_ms,
                          edgepos_text **out);

/*
 The receipts of a basket: a list in JSON, each with `event`, `basket`, `series`, `number` and `total`,
 how often it was `printed`, and `fiscal` where a fiscal device signs it. More than one is an exception.

 Threads: any, at any time.

 # Safety
 `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_receipts_of_basket(const edgepos_node *node,
                                        const char *basket,
                                        size_t basket_length,
                                        edgepos_text **out);

/*
 The receipts that were booked under a till's key: a list in JSON, each with `event`, `basket`, `series`, `number` and
 `total`, how often it was `printed`, and `fiscal` where a fiscal device signs it.

 Threads: any, at any time.

 # Safety
 `key` points to `key_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_receipts_of_key(const edgepos_node *node,
                                     const char *key,
                                     size_t key_length,
                                     edgepos_text **out);

/*
 Transactions that this terminal holds, its own and others', the newest first, at most `limit` and never more than 200.

 `query` is JSON with any of `from_ms`, `before_ms`, `business_day`, `series`, `number`, `customer` and `terminal`, or of length 0 for all;
 `after` is `next` of the page before, or of length 0 for the first. On success `*out` is JSON with `transactions` and `next`, which is
 null when everything was looked at. A page may be short, or empty, and have a next one.

 Threads: any, at any time.

 # Safety
 `query` points to `query_length` bytes, `after` to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_transactions(const edgepos_node *node,
                                  const char *query,
                                  size_t query_length,
                                  const char *after,
                                  size_t after_length,
                                  uint32_t limit,
                                  edgepos_text **out);

/*
 The transaction that an event booked, with its lines and payments, as JSON: what a receipt is printed from. `EDGEPOS_NOTHING` where
 the event is not here, or is no transaction.

 Threads: any, at any time.

 # Safety
 `event` points to `event_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_transaction(const edgepos_node *node,
                                 const char *event,
                                 size_t event_length,
                                 edgepos_text **out);

/*
 One event as it is stored, as JSON; `EDGEPOS_NOTHING` where it is not here.

 Threads: any, at any time.

 # Safety
 `event` points to `event_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_event(const edgepos_node *node,
                           const char *event,
                           size_t event_length,
                           edgepos_text **out);

/*
 How safe an event is, as far as this terminal knows: `*out` is `EDGEPOS_HERE`, `EDGEPOS_AT_LEADER` or `EDGEPOS_IN_CLOUD`.
 `EDGEPOS_NOTHING` where it is not durable here.

 Threads: any, at any time.

 # Safety
 `event` points to `event_length` bytes, and `out` to where a number may be written.
 */
int32_t edgepos_node_durability(const edgepos_node *node,
                                const char *event,
                                size_t event_length,
                                int32_t *out);

/*
 What a business day comes to, as JSON: the X figures of an open day, the Z figures of a closed one, by currency and there by tender, tax,
 operator and drawer, and what came late. `day` is yyyymmdd; `terminal` is a terminal's number, or 0 for the whole store. `closed` says
 which of the two they are, and `complete` whether this terminal holds all that the close had seen.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_day_figures(const edgepos_node *node,
                                 uint32_t day,
                                 uint16_t terminal,
                                 edgepos_text **out);

/*
 As `edgepos_node_exceptions_after`, with what is proposed and decided about each exception, and with its `base`.

 Threads: any, at any time.

 # Safety
 `after` points to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_open_exceptions_after(const edgepos_node *node,
                                           const char *after,
                                           size_t after_length,
                                           edgepos_text **out);

/*
 Resolves an exception for the whole store; returns when that is decided and on disk. To be asked at any terminal.

 `request` is JSON: `exception` (its `row`), `episode`, `resolution` (an object whose `action` is `backorder`, `adjust_inventory`,
 `recount`, `accept`, `void_transaction`, `undo`, `fulfil`, `cancel` or `count`, with its fields), `actor`, `key`, and where they are wanted
 `reason` and `base`. On success `*out` is the resolution in JSON. `EDGEPOS_BUSY`: whether it is decided is not known; ask again with the same
 key. `EDGEPOS_NOT_DECIDED` where no majority is heard.

 Threads: any, at any time.

 # Safety
 `request` points to `request_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_resolve(const edgepos_node *node,
                             const char *request,
                             size_t request_length,
                             edgepos_text **out);

/*
 A page of the audit record of resolutions, at most 1,000 lines in the order in which the store decided. `after` is `next` of the page
 before, or of length 0 for the first. On success `*out` is JSON with `resolutions` and `next`, which is null behind the last page.

 Threads: any, at any time.

 # Safety
 `after` points to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_resolutions(const edgepos_node *node,
                                 const char *after,
                                 size_t after_length,
                                 edgepos_text **out);

/*
 Opens a basket and reserves its receipt number. Whatever may be refused of a sale is refused here, before the customer pays. Where the
 configuration says `number_at = "commit"` the number comes with the sale, and is 0 until then.

 `draft` is JSON: `basket` (32 hexadecimal digits, drawn by the till), `currency`, `lines` (each with `no`, `product`, `quantity`,
 `amount`, and for goods that come back `original` with `basket` and `line`), and where they are not the usual `doc_type`, `customer`,
 `operator`, `mode`, `series`, `key`, `taxes`, `rounding`, `effects`, `unreferenced`. On success `*out` is JSON with `number` and `total`. The same draft
 again is the same basket.

 Threads: any, at any time.

 # Safety
 `draft` points to `draft_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_begin(const edgepos_node *node,
                           const char *draft,
                           size_t draft_length,
                           edgepos_text **out);

/*
 Changes an open basket as the cashier scans: `draft` is all of it, as `edgepos_node_begin` takes it. On success `*out` is JSON with
 `number` and `total`.

 Threads: any, at any time.

 # Safety
 `draft` points to `draft_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_update(const edgepos_node *node,
                            const char *draft,
                            size_t draft_length,
                            edgepos_text **out);

/*
 Books a paid basket; returns when it is on disk.

 `payment` is JSON: `basket`, `key` (32 hexadecimal digits, the same for every retry), `tenders` (each with `kind`: `cash`, `card`,
 `stored_value` or `other`, `amount`, and `payment` where a payment terminal approved it), and where there are any `change` and `drawer`. On success `*out` is JSON with `event`,
 `basket`, `series`, `number`, `total` and `repeated`: whether an earlier call with this key had booked it. A till that crashed or got no
 answer asks again with the same key, and the sale is booked once.

 Threads: any, at any time.

 # Safety
 `payment` points to `payment_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_commit(const edgepos_node *node,
                            const char *payment,
                            size_t payment_length,
                            edgepos_text **out);

/*
 Gives up an open basket, and voids its number.

 Threads: any, at any time.

 # Safety
 `basket` points to `basket_length` bytes.
 */
int32_t edgepos_node_abandon(const edgepos_node *node, const char *basket, size_t basket_length);

/*
 Puts an open basket aside, for whichever till of the store recalls it.

 Threads: any, at any time.

 # Safety
 `basket` points to `basket_length` bytes.
 */
int32_t edgepos_node_park(const edgepos_node *node, const char *basket, size_t basket_length);

/*
 Recalls a parked basket, which is open here then. On success `*out` is JSON with `number`, `total` and `lines`.

 Threads: any, at any time.

 # Safety
 `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_claim(const edgepos_node *node,
                           const char *basket,
                           size_t basket_length,
                           edgepos_text **out);

/*
 Baskets that were begun and neither committed nor given up: a list in JSON, each with `basket`, `series`, `number`, `total`,
 `begun_ms`, `lines`, `operator` and `terminal`. After a crash the cashier settles each.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_unresolved(const edgepos_node *node,
                                edgepos_text **out);

/*
 Payments whose outcome nobody has said, and money that no sale has: a list in JSON. After a crash the cashier settles each.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_unresolved_payments(const edgepos_node *node,
                                         edgepos_text **out);

/*
 A basket with its lines, open here, parked at any till, or sold, as JSON; `EDGEPOS_NOTHING` where none of this name is known here.

 Threads: any, at any time.

 # Safety
 `basket` points to `basket_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_basket(const edgepos_node *node,
                            const char *basket,
                            size_t basket_length,
                            edgepos_text **out);

/*
 Records an event that is no sale; returns when it is on disk.

 `record` is JSON with a `type`: `stock_received`, `stock_moved`, `stock_counted`, `product_set`, `price_set`, `day_opened`,
 `day_closed`, `cash_moved`, `shift_opened`, `shift_closed`, `payment_intent` (before a payment terminal is asked), `payment_outcome`
 (what it said), `receipt_printed`, `document_set`, `attached`, `customer_set`, `customer_linked`, `customer_unlinked`, `customer_erased` or `custom`, its fields, and a `key` where it shall be recorded
 once however often it is asked for. On success `*out` is the event's name, such as
 `3-0123456789ab/0:17`.

 Threads: any, at any time.

 # Safety
 `record` points to `record_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_node_record(const edgepos_node *node,
                            const char *record,
                            size_t record_length,
                            edgepos_text **out);

/*
 The next receipt that a fiscal device is to sign, as JSON; waits for one at most `timeout_ms`, and answers `EDGEPOS_NOTHING` where none
 came. For a till whose configuration has `signed_series`: a commit waits for the answer, at most `sign_within_ms`, so that a thread of its own
 calls this, again and again. Where no answer comes in time the sale is booked unsigned, and the receipt is asked for again later: the status
 lists what waits.

 `*out` has `id`, and under `receipt` its `basket`, `series`, `number`, `total`, `currency`, the `transaction` as it is booked (absent where
 it cannot be read), the same as CBOR in hexadecimal digits as `body`, and `event` where it is booked already. A receipt is named by its series and number: who signed it
 before says the same again. One is asked for at a time. `EDGEPOS_STOPPED` where the terminal has stopped.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_next_to_sign(const edgepos_node *node,
                                  uint64_t timeout_ms,
                                  edgepos_text **out);

/*
 What the device says of a receipt. `answer` is JSON with the question's `id` and either `series` and `number` of the receipt that the device
 has signed, as it says them, and its `signature` in hexadecimal digits, at most 4,096 bytes; or `away`, why it cannot sign for the moment: the
 receipt is asked for again; or `refused`, why it will not sign this receipt, now or later. The sale is booked in each case, and a signature
 that names another receipt counts as none. `EDGEPOS_NOTHING` where nobody waits for it any more, and the receipt is asked for again; so it is
 behind an `EDGEPOS_OK` that came at the last moment, and gets the signature that it has.

 Threads: any, at any time.

 # Safety
 `answer` points to `answer_length` bytes.
 */
int32_t edgepos_node_signed(const edgepos_node *node,
                            const char *answer,
                            size_t answer_length);

/*
 Who the terminal is, whom it follows, how far its events have come, and under `conditions` and `alerts` what someone must act on, as
 JSON.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_status(const edgepos_node *node,
                            edgepos_text **out);

/*
 How the terminal's engines are, as JSON, for whoever looks for a fault.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_diagnosis(const edgepos_node *node, edgepos_text **out);

/*
 Events whose bytes are lost, for the manager: a list in JSON, each with `first` and `last`.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_lost(const edgepos_node *node, edgepos_text **out);

/*
 Figures as text in Prometheus' exposition format, version 0.0.4.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_metrics(const edgepos_node *node, edgepos_text **out);

/*
 The next notice since the terminal was opened, as JSON with its name as `notice`; waits for one at most `timeout_ms`, and answers
 `EDGEPOS_NOTHING` where none came. Where more than 1,024 wait the oldest are dropped, and `notices_lost` says how many: what must not
 be missed is read by `edgepos_events_next`, and what someone must act on is in the status.

 `EDGEPOS_STOPPED` where the terminal has stopped and every notice was taken.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_node_next_notice(const edgepos_node *node,
                                 uint64_t timeout_ms,
                                 edgepos_text **out);

/*
 Starts a terminal from what a store holds.

 `config` is what `edgepos_node_open` takes; `database`, `listen` and `cloud` must be there and are not used. `mono_ms` is a clock that
 never goes back, of milliseconds that count while the device is suspended, and `wall_ms` is the time of day, in ms since 1970 UTC.
 `nonce` is a random number, drawn anew for each start. `lossy` is not 0 where the transport may lose frames. `scan` reads the
 store and is given `user`; NULL on the first start. On success `*out` is a handle, to be freed by `edgepos_terminal_free`.

 `EDGEPOS_SETUP` where the configuration does not read, or the store is another terminal's or cannot be read.

 Threads: any, at any time.

 # Safety
 `config` points to `config_length` bytes, `scan` may be called with `user` until this returns, and `out` points to where a pointer may be
 written.
 */
int32_t edgepos_terminal_new(const char *config,
                             size_t config_length,
                             uint64_t mono_ms,
                             uint64_t wall_ms,
                             uint64_t nonce,
                             uint32_t lossy,
                             edgepos_scan scan,
                             void *user,
                             edgepos_terminal **out);

/*
 Frees the handle, as the end of a process would: what was made durable is. NULL and a handle that was freed are let pass.

 Threads: any, at any time.
 */
void edgepos_terminal_free(edgepos_terminal *terminal);

/*
 Opens a basket: see `edgepos_node_begin`. `request` is a number that no other open request has.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `draft` points to `draft_length` bytes.
 */
int32_t edgepos_terminal_begin(const edgepos_terminal *terminal,
                               uint64_t mono_ms,
                               uint64_t wall_ms,
                               uint64_t request,
                               const char *draft,
                               size_t draft_length);

/*
 Changes an open basket: see `edgepos_node_update`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `draft` points to `draft_length` bytes.
 */
int32_t edgepos_terminal_update(const edgepos_terminal *terminal,
                                uint64_t mono_ms,
                                uint64_t wall_ms,
                                uint64_t request,
                                const char *draft,
                                size_t draft_length);

/*
 Books a paid basket: see `edgepos_node_commit`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `payment` points to `payment_length` bytes.
 */
int32_t edgepos_terminal_commit(const edgepos_terminal *terminal,
                                uint64_t mono_ms,
                                uint64_t wall_ms,
                                uint64_t request,
                                const char *payment,
                                size_t payment_length);

/*
 Records an event that is no sale: see `edgepos_node_record`. Goods move at `location`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `record` points to `record_length` bytes.
 */
int32_t edgepos_terminal_record(const edgepos_terminal *terminal,
                                uint64_t mono_ms,
                                uint64_t wall_ms,
                                uint64_t request,
                                uint32_t location,
                                const char *record,
                                size_t record_length);

/*
 Resolves an exception for the whole store: see `edgepos_node_resolve`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `resolution` points to `resolution_length` bytes.
 */
int32_t edgepos_terminal_resolve(const edgepos_terminal *terminal,
                                 uint64_t mono_ms,
                                 uint64_t wall_ms,
                                 uint64_t request,
                                 const char *resolution,
                                 size_t resolution_length);

/*
 Gives up an open basket. See `edgepos_node_abandon`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `basket` points to `basket_length` bytes.
 */
int32_t edgepos_terminal_abandon(const edgepos_terminal *terminal,
                                 uint64_t mono_ms,
                                 uint64_t wall_ms,
                                 uint64_t request,
                                 const char *basket,
                                 size_t basket_length);

/*
 Puts an open basket aside. See `edgepos_node_park`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `basket` points to `basket_length` bytes.
 */
int32_t edgepos_terminal_park(const edgepos_terminal *terminal,
                              uint64_t mono_ms,
                              uint64_t wall_ms,
                              uint64_t request,
                              const char *basket,
                              size_t basket_length);

/*
 Recalls a parked basket. See `edgepos_node_claim`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `basket` points to `basket_length` bytes.
 */
int32_t edgepos_terminal_claim(const edgepos_terminal *terminal,
                               uint64_t mono_ms,
                               uint64_t wall_ms,
                               uint64_t request,
                               const char *basket,
                               size_t basket_length);

/*
 Keeps the key to a customer's fields. See `edgepos_node_keep_key`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `key` points to `key_length` bytes.
 */
int32_t edgepos_terminal_keep_key(const edgepos_terminal *terminal,
                                  uint64_t mono_ms,
                                  uint64_t wall_ms,
                                  uint64_t request,
                                  const char *key,
                                  size_t key_length);

/*
 Asks for a counter, of which the row may have to be read: see `edgepos_node_counter`. The reply has `value`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `key` points to `key_length` bytes.
 */
int32_t edgepos_terminal_ask_counter(const edgepos_terminal *terminal,
                                     uint64_t mono_ms,
                                     uint64_t wall_ms,
                                     uint64_t request,
                                     uint32_t counter,
                                     uint32_t location,
                                     uint32_t state,
                                     const uint8_t *key,
                                     size_t key_length);

/*
 Asks for a page of the baskets that are open, also of those that left memory, behind one by its name, or from the first on where
 `after` is NULL. The reply has `baskets` as `edgepos_node_unresolved`, and `next` to ask for the page behind; null behind the last.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `after` is NULL or points to `after_length` bytes.
 */
int32_t edgepos_terminal_ask_baskets(const edgepos_terminal *terminal,
                                     uint64_t mono_ms,
                                     uint64_t wall_ms,
                                     uint64_t request,
                                     const char *after,
                                     size_t after_length);

/*
 Lets another incarnation take part in what the store decides: see `edgepos_node_admit`. `replica` is what its `edgepos_terminal_me` says.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_admit(const edgepos_terminal *terminal,
                               uint64_t mono_ms,
                               uint64_t wall_ms,
                               uint64_t replica);

/*
 Takes an incarnation out of what the store decides, for good: see `edgepos_node_retire`. `replica` is what its `edgepos_terminal_me` says.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_retire(const edgepos_terminal *terminal,
                                uint64_t mono_ms,
                                uint64_t wall_ms,
                                uint64_t replica);

/*
 Another box takes the place of a terminal: see `edgepos_node_replace`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_replace(const edgepos_terminal *terminal,
                                 uint64_t mono_ms,
                                 uint64_t wall_ms,
                                 uint16_t number,
                                 uint32_t planned);

/*
 The store gives up what retired incarnations of this number have left: see `edgepos_node_write_off`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_write_off(const edgepos_terminal *terminal,
                                   uint64_t mono_ms,
                                   uint64_t wall_ms,
                                   uint16_t number);

/*
 Raises the store's feature level: see `edgepos_node_raise_level`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a number may be written.
 */
int32_t edgepos_terminal_raise_level(const edgepos_terminal *terminal,
                                     uint64_t mono_ms,
                                     uint64_t wall_ms,
                                     uint32_t *out);

/*
 Reports a condition that the application alone can see: see `edgepos_node_report_condition`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `name` points to `name_length` bytes, and `about` to `about_length` bytes.
 */
int32_t edgepos_terminal_report_condition(const edgepos_terminal *terminal,
                                          uint64_t mono_ms,
                                          uint64_t wall_ms,
                                          const char *name,
                                          size_t name_length,
                                          uint64_t count,
                                          const char *about,
                                          size_t about_length);

/*
 Sends at once what is batched.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_flush(const edgepos_terminal *terminal, uint64_t mono_ms, uint64_t wall_ms);

/*
 Hands the leadership over, where this terminal has it.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_step_down(const edgepos_terminal *terminal, uint64_t mono_ms, uint64_t wall_ms);

/*
 Writes down what the rows of counters lack, before a planned stop: the next start reads less.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_write_rows(const edgepos_terminal *terminal);

/*
 Stops the terminal, since its store failed or the application ends: whoever waits for a reply gets `EDGEPOS_STOPPED`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `reason` points to `reason_length` bytes.
 */
int32_t edgepos_terminal_stop(const edgepos_terminal *terminal,
                              const char *reason,
                              size_t reason_length);

/*
 When the terminal wants `edgepos_terminal_timeout` at the latest, by the clock of `mono_ms`; `EDGEPOS_NOTHING` where it waits for nothing.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `mono_ms` points to where a number may be written.
 */
int32_t edgepos_terminal_poll_timeout(const edgepos_terminal *terminal,
                                      uint64_t *mono_ms);

/*
 Who this terminal is: what its peers call it.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `replica` points to where a number may be written.
 */
int32_t edgepos_terminal_me(const edgepos_terminal *terminal, uint64_t *replica);

/*
 Bytes that open baskets may still write, for whoever sets space aside.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `bytes` points to where a number may be written.
 */
int32_t edgepos_terminal_promised(const edgepos_terminal *terminal, uint64_t *bytes);

/*
 Whether it has stopped: `EDGEPOS_OK` where it has, `EDGEPOS_NOTHING` where it runs.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_is_stopped(const edgepos_terminal *terminal);

/*
 Who the terminal is, whom it follows, how far its events have come, and under `conditions` what someone must act on, as JSON.
 `alerts` is empty: a node judges them.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_status(const edgepos_terminal *terminal,
                                edgepos_text **out);

/*
 How the terminal's engines are, as JSON.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_diagnosis(const edgepos_terminal *terminal,
                                   uint64_t mono_ms,
                                   uint64_t wall_ms,
                                   edgepos_text **out);

/*
 How the elections of the store went, as JSON.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_elections(const edgepos_terminal *terminal,
                                   uint64_t mono_ms,
                                   uint64_t wall_ms,
                                   edgepos_text **out);

/*
 What is on this terminal's disk: the last position of each chain, as JSON.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_durable(const edgepos_terminal *terminal, edgepos_text **out);

/*
 How safe an event is: see `edgepos_node_durability`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `event` points to `event_length` bytes, and `out` to where a number may be written.
 */
int32_t edgepos_terminal_durability(const edgepos_terminal *terminal,
                                    const char *event,
                                    size_t event_length,
                                    int32_t *out);

/*
 Baskets in memory that were begun and neither committed nor given up: a list in JSON. `edgepos_terminal_ask_baskets` has all.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_unresolved(const edgepos_terminal *terminal,
                                    edgepos_text **out);

/*
 Payments whose outcome nobody has said, and money that no sale has: a list in JSON.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_unresolved_payments(const edgepos_terminal *terminal, edgepos_text **out);

/*
 Events whose bytes are lost: a list in JSON, each with `first` and `last`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_lost(const edgepos_terminal *terminal, edgepos_text **out);

/*
 One counter, where it is in memory: see `edgepos_node_counter`. A line of a receipt may have no row: `edgepos_terminal_ask_counter` reads it.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `key` points to `key_length` bytes, and `out` to where a number may be written.
 */
int32_t edgepos_terminal_counter(const edgepos_terminal *terminal,
                                 uint32_t counter,
                                 uint32_t location,
                                 uint32_t state,
                                 const uint8_t *key,
                                 size_t key_length,
                                 int64_t *out);

/*
 A page of counters: see `edgepos_node_counters_after`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `after` points to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_terminal_counters_after(const edgepos_terminal *terminal,
                                        uint32_t counter,
                                        const char *after,
                                        size_t after_length,
                                        edgepos_text **out);

/*
 A page of exceptions with what is decided about each: see `edgepos_node_open_exceptions_after`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `after` points to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_terminal_open_exceptions(const edgepos_terminal *terminal,
                                         const char *after,
                                         size_t after_length,
                                         edgepos_text **out);

/*
 A page of the audit record: see `edgepos_node_resolutions`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `after` points to `after_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_terminal_resolutions(const edgepos_terminal *terminal,
                                     const char *after,
                                     size_t after_length,
                                     edgepos_text **out);

/*
 A product's master data: see `edgepos_node_product`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `product` points to `product_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_terminal_product(const edgepos_terminal *terminal,
                                 const char *product,
                                 size_t product_length,
                                 edgepos_text **out);

/*
 A product's master data that is in force: see `edgepos_node_product_at`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `product` points to `product_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_terminal_product_at(const edgepos_terminal *terminal,
                                    const char *product,
                                    size_t product_length,
                                    uint64_t at_ms,
                                    edgepos_text **out);

/*
 The price of a product that is in force: see `edgepos_node_price`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `product` points to `product_length` bytes, and `out` to where a pointer may be written.
 */
int32_t edgepos_terminal_price(const edgepos_terminal *terminal,
                               const char *product,
                               size_t product_length,
                               uint16_t list,
                               uint64_t at_ms,
                               edgepos_text **out);

/*
 The deadline of `edgepos_terminal_poll_timeout` has come.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_timeout(const edgepos_terminal *terminal, uint64_t mono_ms, uint64_t wall_ms);

/*
 The writes of the output with this id would survive a power cut, or the end of the process where they came as `EDGEPOS_WRITE`. In order,
 without gaps.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_persisted(const edgepos_terminal *terminal,
                                   uint64_t mono_ms,
                                   uint64_t wall_ms,
                                   uint64_t id);

/*
 The rows that the output with this id asked for. They are taken out of `rows`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_loaded(const edgepos_terminal *terminal,
                                uint64_t mono_ms,
                                uint64_t wall_ms,
                                uint64_t id,
                                const edgepos_rows *rows);

/*
 A connection to a terminal of this store is up. `peer` is what that one's `edgepos_terminal_me` says, and `connection` rises with each.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_peer_up(const edgepos_terminal *terminal,
                                 uint64_t mono_ms,
                                 uint64_t wall_ms,
                                 uint64_t peer,
                                 uint64_t connection);

/*
 A connection died. Ignored when it is not the newest one to that peer.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_peer_lost(const edgepos_terminal *terminal,
                                   uint64_t mono_ms,
                                   uint64_t wall_ms,
                                   uint64_t peer,
                                   uint64_t connection);

/*
 Bytes that a peer sent over a connection.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `frame` points to `frame_length` bytes.
 */
int32_t edgepos_terminal_frame(const edgepos_terminal *terminal,
                               uint64_t mono_ms,
                               uint64_t wall_ms,
                               uint64_t peer,
                               uint64_t connection,
                               const uint8_t *frame,
                               size_t frame_length);

/*
 The cloud has just said what time it is, with an answer, in ms since 1970 UTC.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_cloud_time(const edgepos_terminal *terminal,
                                    uint64_t mono_ms,
                                    uint64_t wall_ms,
                                    uint64_t utc_ms);

/*
 The cloud answered the request of the output with this id. Bytes that are no answer count as such.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `answer` points to `answer_length` bytes.
 */
int32_t edgepos_terminal_answered(const edgepos_terminal *terminal,
                                  uint64_t mono_ms,
                                  uint64_t wall_ms,
                                  uint64_t id,
                                  const uint8_t *answer,
                                  size_t answer_length);

/*
 The cloud did not answer the request of the output with this id. `why` is `EDGEPOS_UNREACHABLE`, `EDGEPOS_TIMED_OUT`, `EDGEPOS_REJECTED` with
 the status as `figure`, or `EDGEPOS_OVERLOADED` with the milliseconds to wait.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_unanswered(const edgepos_terminal *terminal,
                                    uint64_t mono_ms,
                                    uint64_t wall_ms,
                                    uint64_t id,
                                    uint32_t why,
                                    uint32_t figure);

/*
 How the store is, when that has changed: `room` is how many bytes may be promised in all, 0 while the disk is full and `UINT64_MAX` where
 that is not known; `free_bytes` is what the disk has, `UINT64_MAX` where that is not known; `state` is `EDGEPOS_STORE_WELL` or the like.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
 */
int32_t edgepos_terminal_disk(const edgepos_terminal *terminal,
                              uint64_t mono_ms,
                              uint64_t wall_ms,
                              uint64_t room,
                              uint64_t free_bytes,
                              uint32_t state);

/*
 The next duty, in order; `EDGEPOS_NOTHING` where there is none. On success `*out` is a handle, to be freed by `edgepos_output_free`.

 Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_terminal_poll_output(const edgepos_terminal *terminal,
                                     edgepos_output **out);

/*
 What an output is: `EDGEPOS_PERSIST` and the like; 0 where it is no living handle.

 Threads: any, at any time.
 */
uint32_t edgepos_output_kind(const edgepos_output *output);

/*
 The id of a persist, a write, a load, a request to the cloud or a reply: the one that the answer names; 0 where it has none.

 Threads: any, at any time.
 */
uint64_t edgepos_output_id(const edgepos_output *output);

/*
 How many rows a persist or a write changes; 0 for anything else.

 Threads: any, at any time.
 */
size_t edgepos_output_writes(const edgepos_output *output);

/*
 Where the row at `index` lies: `*space` is its key space, of which the numbers never change, and the bytes are its key.

 Threads: any, at any time.

 # Safety
 `space`, `key` and `key_length` point to where each may be written.
 */
int32_t edgepos_output_row(const edgepos_output *output,
                           size_t index,
                           uint32_t *space,
                           const uint8_t **key,
                           size_t *key_length);

/*
 What the row at `index` shall be; the pointer is NULL where it is removed.

 Threads: any, at any time.

 # Safety
 `value` and `value_length` point to where each may be written.
 */
int32_t edgepos_output_value(const edgepos_output *output,
                             size_t index,
                             const uint8_t **value,
                             size_t *value_length);

/*
 Which rows a load asks for: those of `*space` from the key `from` to the key of `edgepos_output_load_to`, both inclusive, up to and
 including the row that makes the keys and values reach `*max_bytes`.

 Threads: any, at any time.

 # Safety
 `space`, `from`, `from_length` and `max_bytes` point to where each may be written.
 */
int32_t edgepos_output_load(const edgepos_output *output,
                            uint32_t *space,
                            const uint8_t **from,
                            size_t *from_length,
                            uint32_t *max_bytes);

/*
 Up to which key a load asks for rows, inclusive.

 Threads: any, at any time.

 # Safety
 `to` and `to_length` point to where each may be written.
 */
int32_t edgepos_output_load_to(const edgepos_output *output, const uint8_t **to, size_t *to_length);

/*
 The frame of a transmit: to which peer, over which connection, and the bytes. Drop it where that is no longer the newest connection to
 that peer.

 Threads: any, at any time.

 # Safety
 `peer`, `connection`, `frame` and `frame_length` point to where each may be written.
 */
int32_t edgepos_output_frame(const edgepos_output *output,
                             uint64_t *peer,
                             uint64_t *connection,
                             const uint8_t **frame,
                             size_t *frame_length);

/*
 What the cloud is asked: the bytes of a request to `/v1/stores/STORE/uplink`.

 Threads: any, at any time.

 # Safety
 `request` and `request_length` point to where each may be written.
 */
int32_t edgepos_output_request(const edgepos_output *output, const uint8_t **request, size_t *request_length);

/*
 The answer of a request of the till, as the function of the batteries-included level answers: with its status, and on success with JSON.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_output_reply(const edgepos_output *output,
                             edgepos_text **out);

/*
 What a notice says, as JSON.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_output_notice(const edgepos_output *output, edgepos_text **out);

/*
 Frees an output, done or not. NULL and a handle that was freed are let pass.

 Threads: any, once nobody reads what it has lent.
 */
void edgepos_output_free(edgepos_output *output);

/*
 Rows to be handed over: none so far. On success `*out` is a handle, to be freed by `edgepos_rows_free`.

 Threads: any, at any time.

 # Safety
 `out` points to where a pointer may be written.
 */
int32_t edgepos_rows_new(edgepos_rows **out);

/*
 Adds a row behind those that were added before: its key is above theirs, byte by byte. `EDGEPOS_INVALID` where it is not, and where the
 rows hold `EDGEPOS_MAX_BYTES` already: no call asks for so much.

 Threads: any, at any time.

 # Safety
 `key` points to `key_length` bytes, and `value` to `value_length` bytes.
 */
int32_t edgepos_rows_add(const edgepos_rows *rows,
                         const uint8_t *key,
                         size_t key_length,
                         const uint8_t *value,
                         size_t value_length);

/*
 Frees the rows. NULL and a handle that was freed are let pass.

 Threads: any, at any time.
 */
void edgepos_rows_free(edgepos_rows *rows);

/*
 The bytes of a text, with a zero byte behind them; NULL where `text` is no living text. They are good until the text is freed.

 Threads: any, at any time.
 */
const char *edgepos_text_data(const edgepos_text *text);

/*
 How many bytes a text has, without the zero byte behind it; 0 where `text` is no living text.

 Threads: any, at any time.
 */
size_t edgepos_text_length(const edgepos_text *text);

/*
 Frees a text. NULL and a text that was freed are let pass.

 Threads: any, once nobody reads what it has lent.
 */
void edgepos_text_free(edgepos_text *text);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* EDGEPOS_H */
