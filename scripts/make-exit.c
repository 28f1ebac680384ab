/*
 * A plug-in for GNU make, which exits with 2 whatever the status of a failing recipe was.
 * $(exit N) in a recipe ends make at once with status N, so that `make run` can hand on the
 * exit status of the command it ran.  GNU make's manual, "Loaded Object Interface".
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <gnumake.h>

int plugin_is_GPL_compatible;
int make_exit_gmk_setup(const gmk_floc *where);

static char *make_exit(const char *name, unsigned int count, char **args)
{
	(void)name;
	(void)count;
	fflush(NULL);
	_exit(atoi(args[0]));
}

/* Called by make when the plug-in is loaded; 1 says that it worked. */
int make_exit_gmk_setup(const gmk_floc *where)
{
	(void)where;
	gmk_add_function("exit", make_exit, 1, 1, GMK_FUNC_DEFAULT);
	return 1;
}
