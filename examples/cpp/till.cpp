// A till in C++: sells, takes back, asks again after a crash, prints a receipt, reads notices.
//
//     till CONFIG STEP...
//
// The steps are those of examples/c/till.c.

#include <edgepos.hpp>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <sstream>

using namespace std::chrono_literals;

namespace {

constexpr const char *product = "4006381333931";
constexpr long long price = 129;

// The text behind a field of an answer, up to a quotation mark, a comma or a brace. A till has a reader of JSON for that.
std::string field(const std::string &answer, const std::string &name) {
    auto at = answer.find("\"" + name + "\":");
    if (at == std::string::npos) {
        return "";
    }
    at += name.size() + 3;
    at += answer[at] == '"' ? 1 : 0;
    return answer.substr(at, answer.find_first_of("\",}", at) - at);
}

// A till draws its names at random, and writes the key down before it asks. Here both follow from the number of the basket.
std::string name(long long no, char kind) {
    std::ostringstream out;
    out << std::hex << no;
    return kind + std::string(31 - out.str().size(), '0') + out.str();
}

// Whatever may be refused is refused here, before the customer pays.
std::string begin(edgepos::Node &node, const std::string &basket, const std::string &doc_type, long long quantity,
                  const std::string &original = "") {
    std::ostringstream draft;
    draft << R"({"basket":")" << basket << R"(","doc_type":")" << doc_type << R"(","currency":"EUR","lines":[{"no":1,"product":")"
          << product << R"(","quantity":)" << quantity << R"(,"unit_price":)" << price << R"(,"amount":)" << quantity * price
          << original << "}]}";
    return field(node.begin(draft.str()), "total");
}

// Asked again with the same key, the sale is booked once and has one receipt.
std::string commit(edgepos::Node &node, const std::string &basket, const std::string &key, const std::string &amount) {
    return node.commit(R"({"basket":")" + basket + R"(","key":")" + key + R"(","tenders":[{"kind":"cash","amount":)" + amount + "}]}");
}

void sell(edgepos::Node &node, long long no, const std::string &step) {
    auto basket = name(no, 'b');
    auto total = step == "again" ? std::to_string(2 * price) : begin(node, basket, "sale", 2);
    // ... the customer pays ...
    auto booked = commit(node, basket, name(no, 'a'), total);
    if (step == "kill") {
        std::raise(SIGKILL);
    }
    std::cout << "sold " << no << " total " << field(booked, "total") << " repeated " << field(booked, "repeated") << "\n";
}

void take_back(edgepos::Node &node, long long no) {
    auto original = R"(,"original":{"basket":")" + name(no, 'b') + R"(","line":1})";
    auto total = begin(node, name(no, 'd'), "return", -1, original);
    auto booked = commit(node, name(no, 'd'), name(no, 'c'), total);
    std::cout << "returned " << no << " total " << field(booked, "total") << "\n";
}

void receipt(edgepos::Node &node, long long no) {
    auto receipts = node.receipts_of_basket(name(no, 'b'));
    // Of a basket that was not booked there is none.
    auto booked = receipts == "[]" ? std::nullopt : node.transaction(field(receipts, "event"));
    std::cout << "receipt " << no;
    if (!booked) {
        std::cout << " unknown\n";
        return;
    }
    std::cout << "\n  " << field(*booked, "quantity") << " x " << field(*booked, "product") << "  " << field(*booked, "amount")
              << "\n  total " << field(*booked, "total") << "\n";
}

void notices(edgepos::Node &node) {
    bool recorded = false, others = false;
    while (auto notice = node.next_notice(200ms)) {
        (field(*notice, "notice") == "recorded" ? recorded : others) = true;
    }
    std::cout << "notices " << (recorded ? "recorded" : "nothing") << (others ? " others" : " no others") << "\n";
}

void receive(edgepos::Node &node, long long quantity) {
    std::ostringstream record;
    record << R"({"type":"stock_received","from":"dairy","lines":[{"product":")" << product << R"(","quantity":)" << quantity << "}]}";
    node.record(record.str());
    std::cout << "received " << quantity << "\n";
}

// All pages as one: what each has between its brackets.
std::string counters(edgepos::Node &node) {
    std::string all, after;
    do {
        auto page = node.counters_after(EDGEPOS_ANY_COUNTER, after);
        auto from = page.find('[') + 1, to = page.find(R"(],"next":)");
        all += (all.empty() || from == to ? "" : ",") + page.substr(from, to - from);
        after = field(page, "next");
    } while (after != "null");
    return R"({"counters":[)" + all + R"(],"next":null})";
}

// Does a step; how many arguments it took.
int step(edgepos::Node &node, const std::string &what, const char *argument) {
    long long no = argument ? std::atoll(argument) : 0;
    if (what == "notices") {
        return notices(node), 1;
    } else if (what == "stock") {
        std::cout << "stock " << node.counter(EDGEPOS_STOCK, product).value_or(0) << "\n";
        return 1;
    } else if (what == "wait") {
        std::cout << "left " << node.flush_until_uploaded(30s) << "\n";
        return 1;
    } else if (what == "counters") {
        std::cout << "counters " << counters(node) << "\n";
        return 1;
    } else if (what == "hold") {
        std::cin.ignore(std::numeric_limits<std::streamsize>::max());
        return 1;
    } else if (what == "receive") {
        receive(node, no);
    } else if (what == "return") {
        take_back(node, no);
    } else if (what == "receipt") {
        receipt(node, no);
    } else if (what == "sell" || what == "kill" || what == "again") {
        sell(node, no, what);
    } else {
        throw std::invalid_argument(what + ": no such step");
    }
    return 2;
}

} // namespace

int main(int argc, char **argv) try {
    std::ifstream file(argc > 1 ? argv[1] : "");
    if (!file) {
        throw std::invalid_argument("usage: till CONFIG STEP..., with a configuration that can be read");
    }
    std::string config{std::istreambuf_iterator<char>(file), {}};
    edgepos::Node node(config);
    for (int at = 2; at < argc;) {
        at += step(node, argv[at], at + 1 < argc ? argv[at + 1] : nullptr);
        std::cout.flush();
    }
    node.close();
    return 0;
} catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
