/* NUnit's XML: version 2 (test-results) and version 3 (test-run). AWS counts what could not be run
 * and what is inconclusive as errors (its example of NUnit's own sample: 5 errors of 28). */
#include "flow/report/reading.h"

static const struct {
    const char *word;
    enum case_status status;
} results[] = {
    {"Success", CASE_SUCCEEDED},  {"Passed", CASE_SUCCEEDED}, {"Warning", CASE_SUCCEEDED},
    {"Failure", CASE_FAILED},     {"Failed", CASE_FAILED},    {"Error", CASE_ERROR},
    {"Inconclusive", CASE_ERROR}, {"Invalid", CASE_ERROR},    {"NotRunnable", CASE_ERROR},
    {"Ignored", CASE_SKIPPED},    {"Skipped", CASE_SKIPPED},  {"NotRun", CASE_SKIPPED},
    {"Cancelled", CASE_UNKNOWN},
};

static enum case_status status_of(struct str word) {
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        if (str_ieq(word, str_c(results[i].word))) {
            return results[i].status;
        }
    }
    return CASE_UNKNOWN;
}

static void begin(struct reading *r, const struct xml_element *e) {
    const struct xml_element *suite = xml_above(e, "test-suite");
    reading_case_begin(r);
    r->now.name = str_dup(&r->scratch, xml_attribute(e, "name"));
    r->now.suite = suite ? str_dup(&r->scratch, xml_attribute(suite, "name")) : STR_NONE;
    r->now.status = status_of(xml_attribute(e, "result"));
}

static void start_2(struct reading *r, const struct xml_element *e) {
    if (!xml_is(e, "test-case")) {
        return;
    }
    begin(r, e);
    r->now.prefix = reading_class_of(r->now.name);
    r->now.duration_ns = reading_seconds(xml_attribute(e, "time"));
    if (xml_attribute(e, "result").p == NULL) { /* before 2.5 */
        r->now.status = str_ieq(xml_attribute(e, "executed"), S("False"))  ? CASE_SKIPPED
                        : str_ieq(xml_attribute(e, "success"), S("False")) ? CASE_FAILED
                                                                           : CASE_SUCCEEDED;
    }
}

static void start_3(struct reading *r, const struct xml_element *e) {
    if (!xml_is(e, "test-case")) {
        return;
    }
    begin(r, e);
    struct str label = xml_attribute(e, "label");
    r->now.prefix = str_dup(&r->scratch, xml_attribute(e, "classname"));
    if (r->now.prefix.p == NULL) {
        r->now.prefix = str_dup(&r->scratch, reading_class_of(xml_attribute(e, "fullname")));
    }
    r->now.duration_ns = reading_seconds(xml_attribute(e, "duration"));
    if (r->now.status == CASE_FAILED && (str_is(label, "Error") || str_is(label, "Invalid"))) {
        r->now.status = CASE_ERROR;
    }
}

static void end(struct reading *r, const struct xml_element *e) {
    if (!r->open) {
        return;
    }
    bool of_case = e->parent != NULL && xml_in(e->parent, "test-case");
    if (xml_is(e, "test-case")) {
        reading_case_done(r);
    } else if (of_case && xml_is(e, "message") && (xml_in(e, "failure") || xml_in(e, "reason"))) {
        r->now.message = str_printf(&r->scratch, STR_FMT "\n", STR_ARG(e->text));
    } else if (of_case && xml_is(e, "stack-trace") && r->now.message.p != NULL) {
        r->now.message = str_concat(&r->scratch, r->now.message, e->text);
    }
}

int report_nunit(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"test-results", NULL}, start_2, end};
    return reading_xml(r, &format, text, err);
}

int report_nunit3(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"test-run", NULL}, start_3, end};
    return reading_xml(r, &format, text, err);
}
