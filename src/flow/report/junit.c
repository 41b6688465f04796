/* JUnit XML, as Surefire, Gradle, pytest, jest and others write it. */
#include "flow/report/reading.h"

static void begin(struct reading *r, const struct xml_element *e) {
    const struct xml_element *suite = xml_above(e, "testsuite");
    reading_case_begin(r);
    r->now.name = str_dup(&r->scratch, xml_attribute(e, "name"));
    r->now.prefix = str_dup(&r->scratch, xml_attribute(e, "classname"));
    r->now.suite = suite ? str_dup(&r->scratch, xml_attribute(suite, "name")) : STR_NONE;
    r->now.duration_ns = reading_seconds(xml_attribute(e, "time"));
}

static void start(struct reading *r, const struct xml_element *e) {
    if (xml_is(e, "testcase")) {
        begin(r, e);
    }
}

/* The element's text tells it best; where it lacks the message, that goes before it. */
static struct str message_of(struct reading *r, const struct xml_element *e) {
    struct str message = xml_attribute(e, "message");
    struct str text = str_trim(e->text);
    if (text.n == 0) {
        return str_dup(&r->scratch, message);
    }
    if (message.n == 0 || str_find(text, message, 0) != (size_t)-1) {
        return str_dup(&r->scratch, text);
    }
    return str_printf(&r->scratch, STR_FMT "\n" STR_FMT, STR_ARG(message), STR_ARG(text));
}

/* An error outweighs a failure, a failure a skip. */
static unsigned weight(enum case_status status) {
    static const unsigned weights[CASE_STATUSES] = {
        [CASE_SKIPPED] = 1, [CASE_FAILED] = 2, [CASE_ERROR] = 3};
    return weights[status];
}

static void verdict(struct reading *r, const struct xml_element *e, enum case_status status) {
    if (weight(status) > weight(r->now.status)) {
        r->now.status = status;
        r->now.message = message_of(r, e);
    }
}

static void end(struct reading *r, const struct xml_element *e) {
    if (!r->open) {
        return;
    }
    if (xml_is(e, "testcase")) {
        reading_case_done(r);
    } else if (!xml_in(e, "testcase")) {
        return;
    } else if (xml_is(e, "failure")) {
        verdict(r, e, CASE_FAILED);
    } else if (xml_is(e, "error")) {
        verdict(r, e, CASE_ERROR);
    } else if (xml_is(e, "skipped")) {
        verdict(r, e, CASE_SKIPPED);
    }
}

int report_junit(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"testsuite", "testsuites"}, start, end};
    return reading_xml(r, &format, text, err);
}
