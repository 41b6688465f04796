/* Cucumber's JSON: features, their scenarios, their steps. A scenario is a test case; what its
 * background does counts in the scenario that follows. Durations are nanoseconds. */
#include "flow/report/reading.h"

#include "platform/text/json.h"

/* Worst first: the scenario is what its worst step is. */
static const struct {
    const char *word;
    enum case_status status;
} results[] = {
    {"failed", CASE_FAILED},    {"ambiguous", CASE_ERROR}, {"undefined", CASE_ERROR},
    {"unknown", CASE_UNKNOWN},  {"pending", CASE_SKIPPED}, {"skipped", CASE_SKIPPED},
    {"passed", CASE_SUCCEEDED},
};

enum { PASSED = sizeof(results) / sizeof(results[0]) - 1, UNKNOWN = 3 };

struct outcome {
    size_t worst; /* index into results */
    int64_t duration_ns;
    struct str message; /* of the first step that failed; borrowed from the tree */
};

static size_t rank_of(struct str word) {
    for (size_t i = 0; i <= PASSED; i++) {
        if (str_is(word, results[i].word)) {
            return i;
        }
    }
    return UNKNOWN;
}

static void take_steps(struct outcome *o, const json_t *steps) {
    size_t i = 0;
    json_t *step = NULL;
    json_array_foreach(steps, i, step) {
        const json_t *result = json_object_get(step, "result");
        size_t rank = rank_of(json_str(result, "status"));
        double duration = json_number(result, "duration");
        bool sensible = duration > 0 && duration < 1e18 && o->duration_ns < INT64_MAX / 2;
        o->duration_ns += sensible ? (int64_t)duration : 0;
        struct str message = json_str(result, "error_message");
        if (rank < o->worst || (rank == o->worst && o->message.p == NULL && rank < PASSED)) {
            o->worst = rank;
            o->message = message.p ? message : o->message;
        }
    }
}

static void take_element(struct reading *r, const json_t *element, struct str feature,
                         struct outcome *background) {
    struct outcome o = *background;
    take_steps(&o, json_object_get(element, "before"));
    take_steps(&o, json_object_get(element, "steps"));
    take_steps(&o, json_object_get(element, "after"));
    if (str_is(json_str(element, "type"), "background")) {
        *background = o;
        return;
    }
    *background = (struct outcome){.worst = PASSED};
    reading_case_begin(r);
    r->now = (struct report_case){
        .prefix = feature,
        .name = json_str(element, "name"),
        .suite = feature,
        .message = o.message,
        .status = results[o.worst].status,
        .duration_ns = o.duration_ns,
    };
    reading_case_done(r);
}

int report_cucumber(struct reading *r, struct str text, struct err *err) {
    json_t *features cleanup_json = json_parse(text, err);
    if (features == NULL) {
        return -1;
    }
    if (!json_is_array(features)) {
        return err_set(err, ERR_INVALID, "expected a list of features");
    }
    size_t i = 0;
    json_t *feature = NULL;
    json_array_foreach(features, i, feature) {
        struct outcome background = {.worst = PASSED};
        size_t k = 0;
        json_t *element = NULL;
        json_array_foreach(json_object_get(feature, "elements"), k, element) {
            take_element(r, element, json_str(feature, "name"), &background);
        }
    }
    return 0;
}
