/* What kind of report a file looks like, by its beginning; for reports that nobody named. */
#include "flow/report/report.h"

/* Behind a byte order mark, declarations, comments and the document type: the first element. */
static struct str first_element(struct str head) {
    head = str_starts(head, S("\xef\xbb\xbf")) ? str_sub(head, 3, head.n) : head;
    for (;;) {
        head = str_trim(head);
        struct str end = str_starts(head, S("<!--")) ? S("-->")
                         : str_starts(head, S("<?")) ? S("?>")
                         : str_starts(head, S("<!")) ? S(">")
                                                     : STR_NONE;
        if (end.p == NULL) {
            return str_starts(head, S("<")) ? str_sub(head, 1, head.n) : STR_NONE;
        }
        size_t at = str_find(head, end, 0);
        if (at == (size_t)-1) {
            return STR_NONE;
        }
        head = str_sub(head, at + end.n, head.n);
    }
}

static bool is_element(struct str text, const char *name) {
    size_t n = strlen(name);
    return str_starts(text, str_c(name)) && text.n > n && strchr(" \t\r\n/>", text.p[n]) != NULL;
}

static bool has(struct str head, const char *word) {
    return str_find(head, str_c(word), 0) != (size_t)-1;
}

static bool sniff_xml(struct str head, enum report_format *ret) {
    static const struct {
        const char *element;
        const char *word; /* that must stand in the head, or NULL */
        enum report_format format;
    } kinds[] = {
        {"testsuites", NULL, REPORT_JUNITXML},
        {"testsuite", NULL, REPORT_JUNITXML},
        {"test-results", NULL, REPORT_NUNITXML},
        {"test-run", NULL, REPORT_NUNIT3XML},
        {"testng-results", NULL, REPORT_TESTNGXML},
        {"TestRun", "microsoft.com", REPORT_VISUALSTUDIOTRX},
        {"coverage", "line-rate=", REPORT_COBERTURAXML},
        {"coverage", "generated=", REPORT_CLOVERXML},
        {"report", "JACOCO", REPORT_JACOCOXML},
    };
    struct str element = first_element(head);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (is_element(element, kinds[i].element) &&
            (kinds[i].word == NULL || has(head, kinds[i].word))) {
            *ret = kinds[i].format;
            return true;
        }
    }
    return false;
}

bool report_sniff(struct str name, struct str head, enum report_format *ret) {
    struct str start = str_trim(head);
    if (str_ends(name, S(".xml")) || str_ends(name, S(".trx"))) {
        return sniff_xml(head, ret);
    }
    if (!str_ends(name, S(".json"))) {
        return false;
    }
    if (str_starts(start, S("[")) && has(head, "\"elements\"") && has(head, "\"keyword\"")) {
        *ret = REPORT_CUCUMBERJSON;
        return true;
    }
    *ret = REPORT_SIMPLECOV;
    return str_ends(name, S(".resultset.json")) && has(head, "\"coverage\"");
}
