/* TestNG's testng-results.xml. Methods that only prepare (is-config) are no tests. */
#include "flow/report/reading.h"

enum { NS_PER_MS = 1000 * 1000 };

static void start(struct reading *r, const struct xml_element *e) {
    if (!xml_is(e, "test-method") || str_is(xml_attribute(e, "is-config"), "true")) {
        return;
    }
    struct str status = xml_attribute(e, "status");
    const struct xml_element *class = xml_above(e, "class");
    const struct xml_element *suite = xml_above(e, "suite");
    reading_case_begin(r);
    r->now.name = str_dup(&r->scratch, xml_attribute(e, "name"));
    r->now.prefix = class ? str_dup(&r->scratch, xml_attribute(class, "name")) : STR_NONE;
    r->now.suite = suite ? str_dup(&r->scratch, xml_attribute(suite, "name")) : STR_NONE;
    r->now.duration_ns = reading_count(xml_attribute(e, "duration-ms")) * NS_PER_MS;
    r->now.status = str_is(status, "PASS")   ? CASE_SUCCEEDED
                    : str_is(status, "FAIL") ? CASE_FAILED
                    : str_is(status, "SKIP") ? CASE_SKIPPED
                                             : CASE_UNKNOWN;
}

static void end(struct reading *r, const struct xml_element *e) {
    if (!r->open) {
        return;
    }
    struct str text = str_trim(e->text);
    if (xml_is(e, "test-method")) {
        reading_case_done(r);
    } else if (xml_in(e, "exception") && xml_is(e, "full-stacktrace") && text.n > 0) {
        r->now.message = str_dup(&r->scratch, text);
    } else if (xml_in(e, "exception") && xml_is(e, "message") && r->now.message.n == 0) {
        r->now.message = str_dup(&r->scratch, text);
    }
}

int report_testng(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"testng-results", NULL}, start, end};
    return reading_xml(r, &format, text, err);
}
