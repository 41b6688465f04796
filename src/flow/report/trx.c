/* Visual Studio's TRX. A test's class stands in the definitions, which come after the results. A
 * result made of inner results (rows of data) is counted by those. */
#include "flow/report/reading.h"

static const struct {
    const char *word;
    enum case_status status;
} outcomes[] = {
    {"Passed", CASE_SUCCEEDED},   {"PassedButRunAborted", CASE_SUCCEEDED},
    {"Warning", CASE_SUCCEEDED},  {"Completed", CASE_SUCCEEDED},
    {"Failed", CASE_FAILED},      {"Error", CASE_ERROR},
    {"Timeout", CASE_ERROR},      {"Aborted", CASE_ERROR},
    {"Disconnected", CASE_ERROR}, {"NotRunnable", CASE_ERROR},
    {"Inconclusive", CASE_ERROR}, {"NotExecuted", CASE_SKIPPED},
    {"Pending", CASE_SKIPPED},
};

static enum case_status status_of(struct str word) {
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (str_is(word, outcomes[i].word)) {
            return outcomes[i].status;
        }
    }
    return word.n == 0 ? CASE_SUCCEEDED : CASE_UNKNOWN; /* the schema's default is Passed */
}

/* "[d.]00:00:01.2345678" */
static int64_t duration_of(struct str text) {
    struct str rest = text;
    struct str hours = STR_NONE;
    struct str minutes = STR_NONE;
    if (!str_cut(&rest, ':', &hours) || !str_cut(&rest, ':', &minutes) || rest.p == NULL) {
        return 0;
    }
    return (reading_count(hours) * 3600 + reading_count(minutes) * 60) * 1000000000 +
           reading_seconds(rest);
}

static void start(struct reading *r, const struct xml_element *e) {
    if (!xml_is(e, "UnitTestResult")) {
        return;
    }
    reading_case_begin(r);
    r->now.name = str_dup(&r->scratch, xml_attribute(e, "testName"));
    r->now.prefix = reading_class_of(r->now.name);
    r->now.status = status_of(xml_attribute(e, "outcome"));
    r->now.duration_ns = duration_of(xml_attribute(e, "duration"));
    r->key = str_dup(&r->scratch, xml_attribute(e, "testId"));
}

static void finish(struct reading *r) {
    size_t at = reading_case_done(r);
    if (at == SIZE_MAX) {
        return;
    }
    if (r->ids == NULL) {
        r->ids = arena_array(r->data->arena, REPORT_MAX_CASES, sizeof(*r->ids));
    }
    size_t i = 0;
    while (i < r->ids_n && r->ids[i].n != at) {
        i++;
    }
    r->ids[i].id = str_dup(r->data->arena, str_sub(r->key, 0, REPORT_MAX_NAME));
    r->ids[i].n = at;
    r->ids_n = i < r->ids_n ? r->ids_n : i + 1;
}

/* "Namespace.Class, Assembly, ..." of a definition goes to the results that have its id. */
static void name_class(struct reading *r, const struct xml_element *e) {
    const struct xml_element *definition = xml_above(e, "UnitTest");
    struct str class = xml_attribute(e, "className");
    struct str id = definition ? xml_attribute(definition, "id") : STR_NONE;
    class = str_sub(class, 0, str_find_c(class, ',', 0));
    struct str kept = STR_NONE;
    for (size_t i = 0; id.n > 0 && class.n > 0 && i < r->ids_n; i++) {
        if (str_eq(r->ids[i].id, str_sub(id, 0, REPORT_MAX_NAME))) {
            kept = kept.p ? kept : reading_cut(r->data->arena, class, REPORT_MAX_NAME);
            r->data->cases.v[r->ids[i].n].prefix = kept;
        }
    }
}

static void end(struct reading *r, const struct xml_element *e) {
    if (xml_is(e, "TestMethod")) {
        name_class(r, e);
    } else if (xml_is(e, "UnitTestResult") && r->open) {
        finish(r);
    } else if (!r->open || !xml_in(e, "ErrorInfo")) {
        return;
    } else if (xml_is(e, "Message")) {
        r->now.message = str_dup(&r->scratch, e->text);
    } else if (xml_is(e, "StackTrace") && r->now.message.n > 0) {
        r->now.message = str_printf(&r->scratch, STR_FMT "\n" STR_FMT, STR_ARG(r->now.message),
                                    STR_ARG(e->text));
    }
}

int report_trx(struct reading *r, struct str text, struct err *err) {
    static const struct xml_format format = {{"TestRun", NULL}, start, end};
    return reading_xml(r, &format, text, err);
}
