// What calls.c does, through the header for C++.

#include <edgepos.hpp>

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

using Given = std::vector<std::string>;
using Answer = std::optional<std::string>;

static std::string read(const char *path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

static std::uint64_t number(const std::string &text) { return std::stoull(text); }
static std::uint32_t word(const std::string &text) { return static_cast<std::uint32_t>(number(text)); }
static std::uint16_t small(const std::string &text) { return static_cast<std::uint16_t>(number(text)); }
static std::chrono::milliseconds time_of(const std::string &text) { return std::chrono::milliseconds(std::stoll(text)); }

static std::string bytes(const std::string &digits) {
    std::string all;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2) {
        all += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
    }
    return all;
}

static void replace(std::string &text, const std::string &what, const std::string &with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
        text.replace(at, what.size(), with);
    }
}

template <typename T> static Answer shown(std::optional<T> value) {
    return value ? Answer(std::to_string(*value)) : std::nullopt;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        return 2;
    }
    edgepos::Node node(read(argv[1]));
    std::string event;
    const std::map<std::string, std::function<Answer(const Given &)>> calls = {
        {"begin", [&](auto &g) { return node.begin(g[1]); }},
        {"update", [&](auto &g) { return node.update(g[1]); }},
        {"commit", [&](auto &g) { return node.commit(g[1]); }},
        {"record", [&](auto &g) { return node.record(g[1]); }},
        {"claim", [&](auto &g) { return node.claim(g[1]); }},
        {"basket", [&](auto &g) { return node.basket(g[1]); }},
        {"document", [&](auto &g) { return node.document(g[1]); }},
        {"customer", [&](auto &g) { return node.customer(g[1]); }},
        {"documents", [&](auto &g) { return node.documents(g[1]); }},
        {"attachments", [&](auto &g) { return node.attachments(g[1]); }},
        {"attachment", [&](auto &g) { return node.attachment(g[1]); }},
        {"receipts_of_basket", [&](auto &g) { return node.receipts_of_basket(g[1]); }},
        {"receipts_of_key", [&](auto &g) { return node.receipts_of_key(g[1]); }},
        {"transaction", [&](auto &g) { return node.transaction(g[1]); }},
        {"event", [&](auto &g) { return node.event(g[1]); }},
        {"product", [&](auto &g) { return node.product(g[1]); }},
        {"exceptions_after", [&](auto &g) { return node.exceptions_after(g[1]); }},
        {"open_exceptions_after", [&](auto &g) { return node.open_exceptions_after(g[1]); }},
        {"resolve", [&](auto &g) { return node.resolve(g[1]); }},
        {"resolutions", [&](auto &g) { return node.resolutions(g[1]); }},
        {"unresolved", [&](auto &) { return node.unresolved(); }},
        {"unresolved_payments", [&](auto &) { return node.unresolved_payments(); }},
        {"status", [&](auto &) { return node.status(); }},
        {"diagnosis", [&](auto &) { return node.diagnosis(); }},
        {"elections", [&](auto &) { return node.elections(); }},
        {"lost", [&](auto &) { return node.lost(); }},
        {"metrics", [&](auto &) { return node.metrics(); }},
        {"address", [&](auto &) { return node.address(); }},
        {"abandon", [&](auto &g) { return node.abandon(g[1]), "done"; }},
        {"park", [&](auto &g) { return node.park(g[1]), "done"; }},
        {"keep_key", [&](auto &g) { return node.keep_key(g[1]), "done"; }},
        {"admit", [&](auto &g) { return node.admit(g[1]), "done"; }},
        {"retire", [&](auto &g) { return node.retire(g[1]), "done"; }},
        {"use_models", [&](auto &g) { return node.use_models(g[1]), "done"; }},
        {"recognise", [&](auto &g) { return node.recognise(bytes(g[1]), time_of(g[2])); }},
        {"read_barcode", [&](auto &g) { return node.read_barcode(bytes(g[1]), time_of(g[2])); }},
        {"hear", [&](auto &g) { return node.hear(bytes(g[1]), time_of(g[2])); }},
        {"score", [&](auto &g) { return node.score(g[1], time_of(g[2])); }},
        {"forecast", [&](auto &g) { return edgepos::forecast(g[1]); }},
        {"transactions", [&](auto &g) { return node.transactions(g[1], g[2], word(g[3])); }},
        {"counter", [&](auto &g) { return shown(node.counter(word(g[1]), bytes(g[2]), word(g[3]), word(g[4]))); }},
        {"counters_after", [&](auto &g) { return node.counters_after(word(g[1]), g[2]); }},
        {"product_at", [&](auto &g) { return node.product_at(g[1], number(g[2])); }},
        {"day_figures", [&](auto &g) { return node.day_figures(word(g[1]), small(g[2])); }},
        {"price", [&](auto &g) { return node.price(g[1], small(g[2]), number(g[3])); }},
        {"durability", [&](auto &g) { return shown(node.durability(g[1])); }},
        {"next_notice", [&](auto &g) { return node.next_notice(time_of(g[1])); }},
        {"next_to_sign", [&](auto &g) { return node.next_to_sign(time_of(g[1])); }},
        {"signed", [&](auto &g) { return node.signed_(g[1]) ? Answer("done") : std::nullopt; }},
        {"report_condition", [&](auto &g) { return node.report_condition(g[1], number(g[2]), g[3]), "done"; }},
        {"report_inference", [&](auto &g) { return node.report_inference(word(g[1]), number(g[2])), "done"; }},
        {"replace", [&](auto &g) { return node.replace(small(g[1]), g[2] == "1"), "done"; }},
        {"write_off", [&](auto &g) { return node.write_off(small(g[1])), "done"; }},
        {"raise_level", [&](auto &) { return std::to_string(node.raise_level()); }},
        {"flush", [&](auto &) { return node.flush(), "done"; }},
        {"flush_until_uploaded", [&](auto &g) { return node.flush_until_uploaded(time_of(g[1])) > 0 ? "1" : "0"; }},
        {"step_down", [&](auto &) { return node.step_down(), "done"; }},
        {"close", [&](auto &g) { return node.close(time_of(g[1])) > 0 ? "1" : "0"; }},
        {"events_since",
         [&](auto &g) {
             edgepos::Events events = node.events_since(g[1], false);
             std::string some = "none\n", skipped;
             for (bool more = true; more;) {
                 try {
                     more = events.next(std::chrono::minutes(1)).has_value();
                     some = more ? "some\n" : some;
                 } catch (const edgepos::Error &error) {
                     if (error.status() != EDGEPOS_DAMAGED) {
                         throw;
                     }
                     skipped += "skipped\t" + events.skip().value() + "\n";
                 }
             }
             return some + skipped + "cursor\t" + events.cursor();
         }},
    };
    std::ifstream script(argv[2]);
    for (std::string line; std::getline(script, line);) {
        replace(line, "$event", event);
        replace(line, "\xe2\x90\x80", std::string(1, '\0'));
        Given given;
        std::size_t from = 0;
        for (std::size_t tab; (tab = line.find('\t', from)) != std::string::npos; from = tab + 1) {
            given.push_back(line.substr(from, tab - from));
        }
        given.push_back(line.substr(from));
        given.resize(8);
        std::cout << given[0] << '\t';
        try {
            Answer answer = calls.at(given[0])(given);
            std::cout << answer.value_or("nothing") << '\n';
            std::size_t name = answer ? answer->find("\"event\":\"") : std::string::npos;
            if (answer && given[0] == "record") {
                event = *answer;
            } else if (given[0] == "commit" && name != std::string::npos) {
                event = answer->substr(name + 9, answer->find('"', name + 9) - name - 9);
            }
        } catch (const edgepos::Error &error) {
            std::cout << "refused " << error.status() << ' ' << error.what() << '\n';
        }
    }
    return 0;
}
