/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicd: arguments, configuration, loop. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus.h"
#include "daemon/conf_check.h"
#include "daemon/conf_dump.h"
#include "daemon/manager.h"
#include "daemon/memory.h"
#include "daemon/message_id.h"
#include "daemon/policy.h"
#include "hv_util/profile.h"

#define EXIT_USAGE 2
#define SOCKET_PREFIX "socket:"

static const char *arg_config;
static const char *arg_transport = "uio";
static const char *arg_socket; /* the path in it; NULL: the transport is uio */
static const char *arg_profile;
static bool arg_dry_run;
static enum {
	RUN = 0, LIST_PROFILES, SHOW_PROFILE, LIST_OPERATIONS, CHECK_CONFIG, DUMP_CONFIG, HELP, VERSION
} arg_action;

static void help(void)
{
	(void)printf("vmicd [OPTIONS]\n\n"
		     "Hyper-V integration daemon: negotiates the VMIC handshake itself and, by default, reports\n"
		     "the legacy version on purpose.\n\n"
		     "  -t --transport=WHERE        uio, the default: the VMBus devices that uio_hv_generic has,\n"
		     "                              which 'vmic-bind take' hands to it; socket:PATH: the host\n"
		     "                              simulator that listens at PATH\n"
		     "  -c --config=FILE            read FILE and FILE.d/*.conf, not /etc/vmicd/vmicd.conf\n"
		     "  -n --dry-run                answer the host, but change nothing on this machine\n"
		     "     --list-profiles          print the profiles, one a line\n"
		     "     --show-profile=NAME      print the versions that a profile admits to, best first\n"
		     "     --list-operations        print what [Policy] can allow and block, one a line\n"
		     "     --check-config           read the configuration, and say what is wrong or odd with it\n"
		     "     --dump-config            print the configuration in force, as a file that can be read\n"
		     "  -h --help                   print this\n"
		     "  -V --version                print the version\n\n"
		     "Exit status: 0 ended as asked, 1 failure, 2 wrong option or configuration.\n"
		     "See vmicd(8), vmic-bind(8) and vmicd.conf(5); vmichost(1) is the host simulator.\n");
}

static void print_versions(const char *title, const struct ic_admitted *list)
{
	(void)printf("%s", title);
	for (unsigned i = 0; i < list->n; i++)
		(void)printf(" %u.%u", list->v[i].major, list->v[i].minor);
}

static void list_profiles(void)
{
	for (size_t i = 0; i < n_profiles; i++)
		(void)printf("%-9s %s%s\n", profiles[i].name, profiles[i].title,
			     i == 0 ? " (the default)" : "");
}

static bool is_served(enum ic_component component)
{
	for (size_t i = 0; i < ic_n_services; i++)
		if (ic_services[i]->component == component)
			return true;
	return false;
}

static int show_profile(const char *name)
{
	const struct profile *p = profile_find(name);

	if (!p) {
		(void)fprintf(stderr, "vmicd: --show-profile=%s: expected a name that --list-profiles "
				      "prints\n", name);
		return -EINVAL;
	}
	(void)printf("%s: %s\nsource: %s\n", p->name, p->title, p->source);
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++) {
		const struct ic_policy *policy = &p->component[c];

		if (policy->message.n == 0)
			continue;
		(void)printf("%-10s", ic_component_names[c]);
		print_versions("message", &policy->message);
		print_versions(", framework", &policy->framework);
		(void)printf("; nothing in common: %s%s\n", ic_no_match_names[policy->no_match],
			     is_served(c) ? "" : " (not served by this version)");
	}
	return 0;
}

static void list_operations(void)
{
	struct policy_name name;

	for (size_t i = 0; policy_name_at(i, &name) == 0; i++)
		(void)printf("%s\n", name.text);
}

static int parse_transport(const char *value)
{
	arg_transport = value;
	if (strcmp(value, "uio") == 0) {
		arg_socket = NULL;
		return 0;
	}
	if (strncmp(value, SOCKET_PREFIX, strlen(SOCKET_PREFIX)) != 0 ||
	    value[strlen(SOCKET_PREFIX)] == '\0') {
		(void)fprintf(stderr, "vmicd: --transport=%s: expected uio or socket:PATH\n", value);
		return -EINVAL;
	}
	arg_socket = value + strlen(SOCKET_PREFIX);
	return 0;
}

/* 0, or -EINVAL, which has been said. */
static int parse_arguments(int argc, char **argv)
{
	enum { OPT_LIST_PROFILES = 256, OPT_SHOW_PROFILE, OPT_LIST_OPERATIONS, OPT_CHECK_CONFIG,
	       OPT_DUMP_CONFIG };
	static const struct option options[] = {
		{ "transport", required_argument, NULL, 't' },
		{ "config", required_argument, NULL, 'c' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "list-profiles", no_argument, NULL, OPT_LIST_PROFILES },
		{ "show-profile", required_argument, NULL, OPT_SHOW_PROFILE },
		{ "list-operations", no_argument, NULL, OPT_LIST_OPERATIONS },
		{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
		{ "dump-config", no_argument, NULL, OPT_DUMP_CONFIG },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "t:c:nhV", options, NULL)) >= 0)
		switch (c) {
		case 't':
			if (parse_transport(optarg) < 0)
				return -EINVAL;
			break;
		case 'c':
			arg_config = optarg;
			break;
		case 'n':
			arg_dry_run = true;
			break;
		case OPT_LIST_PROFILES:
			arg_action = LIST_PROFILES;
			break;
		case OPT_SHOW_PROFILE:
			arg_action = SHOW_PROFILE;
			arg_profile = optarg;
			break;
		case OPT_LIST_OPERATIONS:
			arg_action = LIST_OPERATIONS;
			break;
		case OPT_CHECK_CONFIG:
			arg_action = CHECK_CONFIG;
			break;
		case OPT_DUMP_CONFIG:
			arg_action = DUMP_CONFIG;
			break;
		case 'h':
			arg_action = HELP;
			break;
		case 'V':
			arg_action = VERSION;
			break;
		default:
			(void)fprintf(stderr, "vmicd: 'vmicd --help' lists the options\n");
			return -EINVAL;
		}

	if (optind < argc) {
		(void)fprintf(stderr, "vmicd: '%s' was not expected: vmicd takes options only\n",
			      argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static void event_unrefp(sd_event **e)
{
	*e = sd_event_unref(*e);
}

static void conf_reading_freep(struct conf_reading **r)
{
	*r = conf_reading_free(*r);
}

static void manager_freep(struct manager **m)
{
	*m = manager_free(*m);
}

static void bus_freep(struct bus **b)
{
	*b = bus_free(*b);
}

/* One who cannot be seen serves all the same. */
static struct bus *start_bus(sd_event *event, const struct log *log, struct manager *manager)
{
	const struct bus_options options = {
		.event = event,
		.log = log,
		.manager = manager,
		.transport = arg_transport,
		.dry_run = arg_dry_run,
	};
	struct bus *bus = NULL;
	int r = bus_new(&options, &bus);

	if (r < 0)
		log_warning(log, "D-Bus: cannot set up: %s, going on without", strerror(-r));
	return bus;
}

static int run(const struct conf *conf)
{
	_cleanup_(log_out_close) struct log_out out = LOG_OUT_CLOSED;
	struct log log = log_open(conf->log_target, conf->log_level, &out);
	const struct manager_options options = {
		.conf = conf,
		.conf_path = arg_config,
		.log = &log,
		.socket_path = arg_socket,
		.dry_run = arg_dry_run,
	};
	_cleanup_(event_unrefp) sd_event *event = NULL;
	_cleanup_(manager_freep) struct manager *manager = NULL;
	_cleanup_(bus_freep) struct bus *bus = NULL;
	int r;

	r = sd_event_new(&event);
	if (r < 0) {
		log_error(&log, "cannot make an event loop: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	r = manager_new(event, &options, &manager);
	if (r < 0)
		return EXIT_FAILURE;
	bus = start_bus(event, &log, manager);
	if (conf->lock_memory)
		memory_lock(&log);

	log_info(&log, "vmicd %s, profile %s%s", VMICD_VERSION, manager_conf(manager)->profile->name,
		 arg_dry_run ? ", dry run: nothing on this machine is changed" : "");
	r = sd_event_loop(event);
	if (r < 0) {
		log_error(&log, "the event loop failed: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	return r;
}

/* Where to is not known: it stands in what cannot be read. */
static void complain_of_config(const char *text)
{
	const char *const fields[] = { message_id_fields[MESSAGE_MISCONFIGURED], NULL };
	_cleanup_(log_out_close) struct log_out out = LOG_OUT_CLOSED;
	const struct log log = log_open(LOG_TARGET_AUTO, LOG_INFO, &out);

	log_line(&log, LOG_ERR, fields, "%s", text);
}

static int start(void)
{
	struct conf_error error;
	struct conf conf;

	if (conf_read(arg_config, &conf, &error) < 0) {
		complain_of_config(error.text);
		return EXIT_USAGE;
	}
	return run(&conf);
}

static void warn(void *user, const struct conf_warning *warning)
{
	(void)user;
	(void)fprintf(stderr, "vmicd: %s\n", warning->text);
}

static void check_config(const struct conf_reading *reading)
{
	if (reading->files.n == 0)
		(void)printf("there is no configuration file: the defaults hold\n");
	for (size_t i = 0; i < reading->files.n; i++)
		(void)printf("%s: %s\n", reading->files.path[i],
			     conf_file_is_masked(reading->files.path[i]) ? "masked" : "ok");
	conf_check(reading, warn, NULL);
}

/* 0, or -EINVAL, which has been said. */
static int read_config(struct conf_reading **ret)
{
	struct conf_error error;

	if (conf_reading_new(arg_config, ret, &error) == 0)
		return 0;
	(void)fprintf(stderr, "vmicd: %s\n", error.text);
	return -EINVAL;
}

static int show_config(void)
{
	_cleanup_(conf_reading_freep) struct conf_reading *reading = NULL;

	if (read_config(&reading) < 0)
		return -EINVAL;
	if (arg_action == CHECK_CONFIG)
		check_config(reading);
	else
		conf_dump(reading, stdout);
	return 0;
}

/* What was printed has arrived: a full disk is a failure, too. */
static int printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "vmicd: cannot write: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (parse_arguments(argc, argv) < 0)
		return EXIT_USAGE;

	switch (arg_action) {
	case LIST_PROFILES:
		list_profiles();
		return printed();
	case SHOW_PROFILE:
		return show_profile(arg_profile) < 0 ? EXIT_USAGE : printed();
	case LIST_OPERATIONS:
		list_operations();
		return printed();
	case CHECK_CONFIG:
	case DUMP_CONFIG:
		return show_config() < 0 ? EXIT_USAGE : printed();
	case HELP:
		help();
		return printed();
	case VERSION:
		(void)printf("vmicd %s\n", VMICD_VERSION);
		return printed();
	case RUN:
		break;
	}
	return start();
}
