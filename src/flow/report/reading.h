/* What the readers of formats share: one file being read, and the case at hand. */
#pragma once

#include "flow/report/report.h"
#include "platform/text/xml_scan.h"

struct reading {
    struct report_data *data;
    struct str path;
    struct arena scratch;     /* of the case at hand */
    struct report_case now;   /* the case at hand; strings are in scratch or the file */
    struct report_source src; /* the source file at hand */
    struct str key;           /* TRX: id of the test at hand */
    bool open;                /* there is a case, or a source, at hand */
    bool by_line;             /* Clover: lines have been told one by one */
    struct {
        struct str id;
        size_t n; /* index into data->cases */
    } * ids;      /* TRX: tests whose class is not known yet */
    size_t ids_n;
};

/* model.c: the case, or the source file, at hand is complete. Strings are copied, cut, repaired.
 * The index where the case was kept, or SIZE_MAX. */
size_t reading_case_done(struct reading *r);
void reading_source_done(struct reading *r);
/* A new case begins: everything about the last one is forgotten. */
void reading_case_begin(struct reading *r);
struct str reading_cut(struct arena *a, struct str text, size_t max_characters);

/* xml.c: for formats in XML. */
struct xml_format {
    const char *roots[2]; /* names of the root element; the first is named in the error */
    void (*start)(struct reading *r, const struct xml_element *e);
    void (*end)(struct reading *r, const struct xml_element *e);
};
int reading_xml(struct reading *r, const struct xml_format *format, struct str text,
                struct err *err) MUST_USE;
bool xml_is(const struct xml_element *e, const char *name);
/* Is the parent of that name? */
bool xml_in(const struct xml_element *e, const char *parent);
/* The nearest element above of that name; NULL if there is none. */
const struct xml_element *xml_above(const struct xml_element *e, const char *name);
/* Seconds as text, to nanoseconds; 0 when it is no sensible number. "1,234.5" is one. */
int64_t reading_seconds(struct str text);
int64_t reading_count(struct str text); /* 0 when it is no number from 0 to 10^9 */
/* "a.b.C(x.y).name" -> "a.b.C(x.y)": what stands before the last point outside of brackets. */
struct str reading_class_of(struct str name);

#define FORMAT(format, read) int read(struct reading *r, struct str text, struct err *err) MUST_USE;
#include "flow/report/formats.def"
#undef FORMAT
