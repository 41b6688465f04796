/* What the files about tables share: descriptions, and definitions read from requests. */
#pragma once

#include "services/dynamodb/ddb.h"

/* The table as DescribeTable shows it, in this status. */
struct dynamodb_table_description *ddb_describe(struct call *c, const struct ddb_table *t,
                                                const char *status);

/* Checks a CreateTable and fills *ret (not stored). */
int ddb_table_define(struct call *c, const struct dynamodb_create_table_input *in,
                     struct ddb_table *ret, struct err *err) MUST_USE;
/* A global index of UpdateTable. */
int ddb_index_define(const struct dynamodb_attribute_definition_list *definitions,
                     const struct dynamodb_create_global_secondary_index_action *in,
                     const struct ddb_table *t, struct ddb_index *ret, struct err *err) MUST_USE;
int ddb_billing_define(struct str billing, const struct dynamodb_provisioned_throughput *units,
                       struct ddb_table *t, struct err *err) MUST_USE;
void ddb_stream_define(struct call *c, const struct dynamodb_stream_specification *in,
                       struct ddb_table *t);
void ddb_sse_define(struct call *c, const struct dynamodb_sse_specification *in,
                    struct ddb_table *t);
