/* SPDX-License-Identifier: GPL-2.0-only */
/* vmic-bind: moves VMBus devices between hv_utils and uio_hv_generic, and back. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/bind/follow.h"
#include "daemon/bind/linux.h"
#include "daemon/conf.h"

#define EXIT_USAGE 2
#define WAIT_DEFAULT_S 10
#define WAIT_MAX_S 3600

static const char *arg_config;
static unsigned arg_wait_s = WAIT_DEFAULT_S;
static bool arg_follow, arg_force, arg_may_hibernate, arg_dry_run;
static unsigned arg_components;
static bool arg_all;
static enum { NO_VERB = 0, TAKE, GIVE_BACK, LIST, HELP, VERSION } arg_verb;

static void help(void)
{
	(void)printf("vmic-bind take [OPTIONS] COMPONENT...|all\n"
		     "vmic-bind give-back [OPTIONS] [COMPONENT...|all]\n"
		     "vmic-bind list\n\n"
		     "Moves integration components of Hyper-V from the kernel's driver hv_utils to\n"
		     "uio_hv_generic, where vmicd can serve them, and back. Every device has a driver\n"
		     "in the end: when a move was cut short, the next run repairs it.\n\n"
		     "  take       to uio_hv_generic; all: what the configuration serves\n"
		     "  give-back  to hv_utils; without a name, or all: all of them\n"
		     "  list       print where each is, what it costs and who holds it\n\n"
		     "  -c --config=FILE  read FILE and FILE.d/*.conf, not /etc/vmicd/vmicd.conf\n"
		     "     --wait=SEC     wait so long for somebody to let go of a device (10)\n"
		     "     --follow       take again what the host offers again, until told to end\n"
		     "     --may-hibernate\n"
		     "                    take although the guest may hibernate: the devices are\n"
		     "                    given back before\n"
		     "     --force        take although the guest may hibernate or has little memory\n"
		     "  -n --dry-run      only say what would be done\n"
		     "  -h --help         print this\n"
		     "  -V --version      print the version\n\n"
		     "Components:");
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
		(void)printf(" %s", ic_component_names[c]);
	(void)printf("\n\nExit status: 0 done, 1 failure, 2 wrong option or configuration, 3 refused: a\n"
		     "component was left as it was.\n"
		     "See vmic-bind(8) and vmicd(8).\n");
}

/* --- arguments --- */

static int parse_wait(const char *value)
{
	char *end;
	unsigned long v = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || v > WAIT_MAX_S) {
		(void)fprintf(stderr, "vmic-bind: --wait=%s: expected seconds, 0 to %d\n", value,
			      WAIT_MAX_S);
		return -EINVAL;
	}
	arg_wait_s = (unsigned)v;
	return 0;
}

static int parse_component(const char *name)
{
	if (strcasecmp(name, "all") == 0) {
		if (arg_verb == TAKE)
			arg_all = true;
		else
			arg_components = BIND_ALL;
		return 0;
	}
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
		if (strcasecmp(name, ic_component_names[c]) == 0) {
			arg_components |= 1u << c;
			return 0;
		}
	(void)fprintf(stderr, "vmic-bind: '%s' is no component: 'vmic-bind --help' lists them\n", name);
	return -EINVAL;
}

static int parse_verb(const char *word)
{
	static const struct {
		const char *word;
		int verb;
	} verbs[] = { { "take", TAKE }, { "give-back", GIVE_BACK }, { "list", LIST } };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (word && strcmp(word, verbs[i].word) == 0) {
			arg_verb = verbs[i].verb;
			return 0;
		}
	(void)fprintf(stderr, "vmic-bind: %s%s%sexpected take, give-back or list\n", word ? "'" : "",
		      word ? word : "", word ? "': " : "");
	return -EINVAL;
}

/* The verb and what it is about. */
static int parse_words(char **words)
{
	if (parse_verb(words[0]) < 0)
		return -EINVAL;
	if (arg_verb == LIST && words[1]) {
		(void)fprintf(stderr, "vmic-bind: '%s' was not expected: list takes no component\n",
			      words[1]);
		return -EINVAL;
	}
	for (char **w = words + 1; *w; w++)
		if (parse_component(*w) < 0)
			return -EINVAL;
	if (arg_verb == TAKE && !arg_all && !arg_components) {
		(void)fprintf(stderr, "vmic-bind: take what? Expected components, or all\n");
		return -EINVAL;
	}
	if (arg_follow && (arg_verb != TAKE || arg_dry_run)) {
		(void)fprintf(stderr, "vmic-bind: --follow belongs to take, without --dry-run\n");
		return -EINVAL;
	}
	return 0;
}

/* 0, or -EINVAL, which has been said. */
static int parse_arguments(int argc, char **argv)
{
	enum { OPT_WAIT = 256, OPT_FOLLOW, OPT_MAY_HIBERNATE, OPT_FORCE };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "wait", required_argument, NULL, OPT_WAIT },
		{ "follow", no_argument, NULL, OPT_FOLLOW },
		{ "may-hibernate", no_argument, NULL, OPT_MAY_HIBERNATE },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:nhV", options, NULL)) >= 0)
		switch (c) {
		case 'c':
			arg_config = optarg;
			break;
		case OPT_WAIT:
			if (parse_wait(optarg) < 0)
				return -EINVAL;
			break;
		case OPT_FOLLOW:
			arg_follow = true;
			break;
		case OPT_MAY_HIBERNATE:
			arg_may_hibernate = true;
			break;
		case OPT_FORCE:
			arg_force = true;
			break;
		case 'n':
			arg_dry_run = true;
			break;
		case 'h':
			arg_verb = HELP;
			return 0;
		case 'V':
			arg_verb = VERSION;
			return 0;
		default:
			(void)fprintf(stderr, "vmic-bind: 'vmic-bind --help' lists the options\n");
			return -EINVAL;
		}
	return parse_words(argv + optind);
}

/* --- what the configuration serves --- */

/* Why it does not serve the component; NULL: it does. */
static const char *not_served(const struct conf *conf, enum ic_component component)
{
	bool is_known = false;

	for (size_t i = 0; i < ic_n_services; i++)
		is_known |= ic_services[i]->component == component;
	if (!is_known)
		return "this version of vmicd does not serve it";
	if (!conf->component[component].enabled)
		return "the configuration says Enable=no";
	if (conf->component[component].blocked)
		return "the configuration's [Policy] does not allow it";
	if (conf->component[component].policy.message.n == 0)
		return "the configured profile has no version of it";
	if (component == IC_KVP && conf->kvp_route == CONF_ROUTE_HV_UTILS)
		return "the configuration leaves it with hv_utils, Route=hv_utils";
	return NULL;
}

/* The components that are asked for and served; what was asked for by name and is not is refused. */
static unsigned select_served(const struct conf *conf, enum bind_result *ret)
{
	unsigned served = 0;

	*ret = BIND_DONE;
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++) {
		const char *reason = not_served(conf, c);

		if (!reason) {
			served |= 1u << c;
		} else if (arg_components & 1u << c) {
			(void)fprintf(stderr, "vmic-bind: %s: refused: nobody would serve it: %s\n",
				      ic_component_names[c], reason);
			*ret = BIND_REFUSED;
		}
	}
	return arg_all ? served : served & arg_components;
}

static int take(struct bind *b, struct bind_linux *l)
{
	struct conf_error error;
	struct conf conf;
	enum bind_result refused;
	unsigned components;

	if (conf_read(arg_config, &conf, &error) < 0) {
		(void)fprintf(stderr, "vmic-bind: %s\n", error.text);
		return EXIT_USAGE;
	}
	components = select_served(&conf, &refused);
	if (arg_follow)
		return components ? (int)bind_follow(b, l->devices, components, l->stop_fd) :
				    (int)refused;
	return (int)bind_gravest(refused, bind_take(b, components));
}

static int give_back(struct bind *b)
{
	return (int)bind_give_back(b, arg_components ? arg_components : BIND_ALL);
}

/* --- */

static void devices_freep(struct devices **d)
{
	*d = devices_free(*d);
}

static void closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* A move is not to be cut short: a signal ends the waiting for others, and what comes after this
 * device. */
static int open_stop(void)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)sigdelset(&signals, SIGPIPE);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* 0, or a negative errno, which has been said. */
static int may_write(void)
{
	int r = bind_linux_may_write();

	if (r == -EACCES || r == -EPERM)
		(void)fprintf(stderr, "vmic-bind: only root may move devices\n");
	else if (r < 0)
		(void)fprintf(stderr, "vmic-bind: /sys does not let devices be moved here: %s\n",
			      strerror(-r));
	return r;
}

static int run(void)
{
	_cleanup_(devices_freep) struct devices *devices = NULL;
	_cleanup_(closep) int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int stop_fd = open_stop();
	struct bind_linux l = { .root_fd = root_fd, .lock_fd = -1, .stop_fd = stop_fd };
	struct bind b = {
		.ops = &bind_linux_ops,
		.user = &l,
		.wait_s = arg_wait_s,
		.force = arg_force,
		.may_hibernate = arg_may_hibernate,
		.dry_run = arg_dry_run,
		.may_be_missing = arg_all || arg_follow,
	};
	int r = devices_new(&devices);

	if (r < 0 || root_fd < 0 || stop_fd < 0) {
		(void)fprintf(stderr, "vmic-bind: %s\n",
			      r == -ENODEV ? "there is no VMBus here: this is no Hyper-V guest" :
					     strerror(r < 0 ? -r : errno));
		return EXIT_FAILURE;
	}
	l.devices = devices;
	if (arg_verb == LIST)
		return (int)bind_list(&b);
	if (!arg_dry_run && may_write() < 0)
		return EXIT_FAILURE;
	return arg_verb == TAKE ? take(&b, &l) : give_back(&b);
}

/* What was printed has arrived: a full disk is a failure, too. */
static int printed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)fprintf(stderr, "vmic-bind: cannot write: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (parse_arguments(argc, argv) < 0)
		return EXIT_USAGE;

	switch (arg_verb) {
	case HELP:
		help();
		return printed(EXIT_SUCCESS);
	case VERSION:
		(void)printf("vmic-bind %s\n", VMICD_VERSION);
		return printed(EXIT_SUCCESS);
	case NO_VERB:
	case TAKE:
	case GIVE_BACK:
	case LIST:
		break;
	}
	return printed(run());
}
