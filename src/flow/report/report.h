/*
 * What a test report says, whatever format it came in: test cases, or how much of each source file
 * was covered. Bounded as AWS documents it: 500 cases are kept, failed ones before others, names
 * of 1000 and messages of 5000 characters; all cases count in the totals.
 *
 * The files come from a build and are not trusted. `report_data_add` reads one in this process
 * (tests, fuzzing); `report_read` lets a process do it that holds nothing (helper.c).
 * Sources: AWS CodeBuild user guide, "Test reports"; botocore's shapes TestCase and CodeCoverage;
 * the examples of `aws codebuild describe-test-cases` for NUnit's statuses.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "flow/phase/buildspec.h"

#include <stdint.h>

enum {
    REPORT_MAX_CASES = 500,
    REPORT_MAX_SOURCES = 10000,            /* source files of a coverage report that are kept */
    REPORT_MAX_FILES = 10000,              /* files of one report */
    REPORT_MAX_BYTES = 64 * 1024 * 1024,   /* of one file */
    REPORT_MAX_NAME = 1000,                /* characters */
    REPORT_MAX_MESSAGE = 5000,             /* characters */
    REPORT_MAX_TOTAL = 1024 * 1024 * 1024, /* of all files of one report */
};

enum report_kind { REPORT_TEST, REPORT_CODE_COVERAGE };

enum case_status {
    CASE_SUCCEEDED,
    CASE_FAILED,
    CASE_ERROR,
    CASE_SKIPPED,
    CASE_UNKNOWN,
    CASE_STATUSES,
};

struct report_case {
    struct str path; /* of the file that it stands in, as the caller named it */
    struct str prefix;
    struct str name;
    struct str suite;
    struct str message; /* absent when it went well */
    enum case_status status;
    int64_t duration_ns;
};

struct report_source {
    struct str path;
    int64_t lines_covered, lines_missed;
    int64_t branches_covered, branches_missed;
};

struct report_data {
    struct arena *arena; /* owns all strings */
    enum report_kind kind;
    struct {
        struct report_case *v;
        size_t n;
    } cases;
    size_t replace;                /* cases from here on have failed all */
    int64_t counts[CASE_STATUSES]; /* of all cases, kept or not */
    int64_t duration_ns;           /* of all cases */
    struct {
        struct report_source *v;
        size_t n;
    } sources;
    uint32_t *places; /* sources by their path: a table of indexes + 1 */
    bool truncated;   /* not everything was kept */
};

enum report_kind report_kind_of(enum report_format format);
const char *case_status_name(enum case_status status); /* "SUCCEEDED" ... */
const char *report_kind_name(enum report_kind kind);   /* "TEST", "CODE_COVERAGE" */
int64_t report_total(const struct report_data *data);  /* cases */

void report_data_init(struct report_data *data, struct arena *a, enum report_kind kind);

/* Reads one file into *data. What was read before an error stays. ERR_INVALID in CodeBuild's words:
 * "expected element type <testsuite> but have <coverage>". */
int report_data_add(struct report_data *data, enum report_format format, struct str path,
                    struct str text, struct err *err) MUST_USE;

/* Does a file look like a report, by its name and first bytes? */
bool report_sniff(struct str name, struct str head, enum report_format *ret);

/* A file of a report: opened for reading, and its name. */
struct report_input {
    int fd;
    struct str path;
};

/* Something wrong with one file. */
struct report_complaint {
    struct str path;
    struct str text;
};
struct report_complaints {
    struct report_complaint *v;
    size_t n; /* ten at most; further ones are dropped */
};

/* Reads files in a process of its own that can open nothing, make few system calls and ends after
 * `seconds` of processor time. `next` is asked for one file after the other (1 one more, 0 no
 * more, -1 error) and keeps the descriptor. Files that are damaged are complained about and do not
 * end the reading. */
int report_read(struct arena *a, enum report_format format,
                int (*next)(void *ud, struct report_input *ret, struct err *err), void *ud,
                struct report_data *ret, struct report_complaints *ret_bad,
                struct err *err) MUST_USE;
