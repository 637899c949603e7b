// SPDX-License-Identifier: Apache-2.0
// evauth-bench run
#include "bench/command.h"
#include "bench/protocol_apply.h"
#include "bench/protocol_authorize.h"
#include "bench/protocol_requests.h"
#include "bench/protocol_resp.h"
#include "bench/runner.h"
#include "client/client_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BATCHED_ANSWERS_MAX = 10000000 };

static int run_with_writes(struct runner *runner)
{
	const struct run_options *options = runner->options;
	struct load_requests writes = {0};
	environment_read(options->resp ? NULL : options->load.server, &options->tls.tls, &runner->environment);
	if (!options->has_writes && options->apply_share == 0)
		return runner_run(runner);
	const int error = apply_requests_create(runner->environment.started_at, &writes);
	if (error < 0)
		return command_error("preparing writes", error);
	runner->writes = &writes;
	const int code = runner_run(runner);
	apply_requests_destroy(&writes);
	return code;
}

static int run_resp(struct run_options *options)
{
	const struct resp_load_options resp = {
		.keys = options->tokens,
		.value_size = options->value_size,
		.seed = options->seed,
		.count = options->requests,
	};
	struct load_requests requests;
	const int error = resp_requests_create(&resp, &requests);
	if (error < 0)
		return command_error("preparing requests", error);
	options->load.server = options->resp;
	struct runner runner = {
		.options = options, .protocol = &protocol_resp, .requests = &requests, .explain = resp_explain_wrong};
	const int code = run_with_writes(&runner);
	resp_requests_destroy(&requests);
	return code;
}

static int read_file(const struct run_options *options, struct load_requests *ret_requests)
{
	const bool is_stdin = strcmp(options->requests_file, "-") == 0;
	const struct file_load_options file = {
		.name = options->requests_file, .batch = options->batch, .timeout_ms = options->load.timeout_ms};
	FILE *stream = is_stdin ? stdin : fopen(options->requests_file, "re");
	if (!stream)
		return -errno;
	const int error = file_requests_create(stream, &file, ret_requests);
	if (!is_stdin)
		fclose(stream);
	return error;
}

static int run_file(const struct run_options *options)
{
	struct load_requests requests;
	const int error = read_file(options, &requests);
	if (error < 0) // a line that cannot be read has been told about
		return error == -EINVAL ? EXIT_CODE_ERROR : command_error(options->requests_file, error);
	struct runner runner = {.options = options,
				.protocol = &protocol_requests,
				.requests = &requests,
				.explain = file_explain_wrong};
	const int code = run_with_writes(&runner);
	file_requests_destroy(&requests);
	return code;
}

static int run_authorize(const struct run_options *options)
{
	const uint32_t per_frame = options->batch == 0 ? 1 : options->batch;
	const uint32_t most = BATCHED_ANSWERS_MAX / per_frame;
	const struct authorize_load_options authorize = {
		.mix = options->mix,
		.seed = options->seed,
		.count = options->requests < most ? options->requests : most,
		.batch = options->batch,
		.timeout_ms = options->load.timeout_ms,
	};
	struct world world;
	struct load_requests requests;
	int error = world_init(&world, options->tokens, options->seed);
	if (error < 0)
		return command_error("world", error);
	error = authorize_requests_create(&world, &authorize, &requests);
	world_finish(&world);
	if (error < 0)
		return command_error("preparing requests", error);
	struct runner runner = {.options = options,
				.protocol = &protocol_authorize,
				.requests = &requests,
				.explain = authorize_explain_wrong};
	const int code = run_with_writes(&runner);
	authorize_requests_destroy(&requests);
	return code;
}

int command_run(int argc, char **argv)
{
	struct run_options options;
	run_options_parse(argc, argv, &options);
	if (options.resp)
		return run_resp(&options);
	if (tls_options_open(&options.tls, options.load.server, !options.full_handshakes, &options.load.tls) < 0)
		return EXIT_CODE_ERROR;
	const int code = options.requests_file ? run_file(&options) : run_authorize(&options);
	client_tls_destroy(options.load.tls);
	return code;
}
