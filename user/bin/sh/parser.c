#include "parser.h"

#include <string.h>

#include "lexword.h"

static struct node *list_parse(struct lexer *lex);

bool parser_reserved(const char *word)
{
	static const char *const words[] = {
		"!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi",
		"for", "if", "in", "then", "until", "while",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static struct node *node_new(struct lexer *lex, enum node_kind kind)
{
	struct node *node = arena_alloc(lex->arena, sizeof(*node));

	memset(node, 0, sizeof(*node));
	node->kind = kind;
	node->line = lex->line;
	node->from = lex->token_start;
	return node;
}

/* Is the current token the reserved word `word`? */
static bool at_word(struct lexer *lex, const char *word)
{
	const char *text = lex->token == TOKEN_WORD ? word_literal(lex->word) : NULL;

	return text && strcmp(text, word) == 0;
}

static bool accept_word(struct lexer *lex, const char *word)
{
	if (!at_word(lex, word))
		return false;
	lexer_advance(lex);
	return true;
}

static void unexpected(struct lexer *lex, const char *wanted)
{
	static const char *const names[] = {
		"end of file", "newline", "word", "number", ";", "&", "|", "(", ")", "&&", "||",
		";;", "<", ">", "<<", "<<-", "<&", ">>", ">&", "<>", ">|",
	};
	const char *text = lex->token == TOKEN_WORD ? word_literal(lex->word) : NULL;

	lexer_fail(lex, "%s unexpected%s%s%s", text ? text : names[lex->token],
		   wanted ? " (expecting " : "", wanted ? wanted : "", wanted ? ")" : "");
}

static void expect_word(struct lexer *lex, const char *word)
{
	if (!accept_word(lex, word))
		unexpected(lex, word);
}

static void newlines_skip(struct lexer *lex)
{
	while (lex->token == TOKEN_NEWLINE)
		lexer_advance(lex);
}

/* A list that must not be empty. */
static struct node *body_parse(struct lexer *lex)
{
	struct node *node = list_parse(lex);

	if (!node)
		unexpected(lex, NULL);
	return node;
}

static bool at_redirect(struct lexer *lex)
{
	return lex->token == TOKEN_NUMBER || lex->token >= TOKEN_LESS;
}

static const struct redirect_form {
	enum token token;
	enum redirect_kind kind;
	int fd;
} redirect_forms[] = {
	{ TOKEN_LESS, REDIRECT_READ, 0 },	{ TOKEN_GREAT, REDIRECT_WRITE, 1 },
	{ TOKEN_DLESS, REDIRECT_HERE, 0 },	{ TOKEN_DLESSDASH, REDIRECT_HERE, 0 },
	{ TOKEN_LESSAND, REDIRECT_DUP, 0 },	{ TOKEN_DGREAT, REDIRECT_APPEND, 1 },
	{ TOKEN_GREATAND, REDIRECT_DUP, 1 },	{ TOKEN_LESSGREAT, REDIRECT_BOTH, 0 },
	{ TOKEN_CLOBBER, REDIRECT_CLOBBER, 1 },
};

static struct redirect *redirect_parse(struct lexer *lex)
{
	struct redirect *redirect = arena_alloc(lex->arena, sizeof(*redirect));
	const struct redirect_form *form = redirect_forms;
	enum token token;
	int fd = -1;

	memset(redirect, 0, sizeof(*redirect));
	if (lex->token == TOKEN_NUMBER) {
		fd = lex->number;
		lexer_advance(lex);
	}
	token = lex->token;
	while (form->token != token && form->token != TOKEN_CLOBBER)
		form++;
	redirect->kind = form->kind;
	redirect->fd = fd < 0 ? form->fd : fd;
	lexer_advance(lex);
	/* The target of a redirection may look like a number: "2>1>x" does not. */
	if (lex->token != TOKEN_WORD) {
		unexpected(lex, NULL);
		return redirect;
	}
	redirect->word = lex->word;
	if (redirect->kind == REDIRECT_HERE)
		lexer_heredoc(lex, redirect, lex->word, token == TOKEN_DLESSDASH);
	lexer_advance(lex);
	return redirect;
}

static void redirects_parse(struct lexer *lex, struct node *node)
{
	struct redirect **tail = &node->redirects;

	while (*tail)
		tail = &(*tail)->next;
	while (at_redirect(lex) && !lex->failed) {
		*tail = redirect_parse(lex);
		tail = &(*tail)->next;
	}
}

/* Does the word begin with an unquoted NAME= ? */
static bool is_assignment(const struct word *word)
{
	const struct part *part = word->parts;
	const char *p;

	if (!part || part->kind != PART_TEXT || part->quoted)
		return false;
	p = part->text;
	if (!name_start((unsigned char)*p))
		return false;
	while (name_char((unsigned char)*p))
		p++;
	return *p == '=';
}

static bool is_name(const char *text)
{
	if (!text || !name_start((unsigned char)*text))
		return false;
	while (name_char((unsigned char)*text))
		text++;
	return !*text;
}

static struct node *compound_parse(struct lexer *lex);

/* name ( ) body; the name is read and the current token is the opening parenthesis. */
static struct node *function_parse(struct lexer *lex, struct node *node)
{
	const char *name = word_literal(node->words);

	if (!is_name(name) || parser_reserved(name)) {
		lexer_fail(lex, "bad function name");
		return node;
	}
	node->kind = NODE_FUNCTION;
	node->name = arena_string(lex->arena, name);
	node->words = NULL;
	lexer_advance(lex);
	if (lex->token != TOKEN_RPAREN) {
		unexpected(lex, ")");
		return node;
	}
	lexer_advance(lex);
	newlines_skip(lex);
	node->first = compound_parse(lex);
	if (!node->first)
		unexpected(lex, NULL);
	return node;
}

static struct node *simple_parse(struct lexer *lex)
{
	struct node *node = node_new(lex, NODE_SIMPLE);
	struct word **words = &node->words, **assigns = &node->assigns;

	while (!lex->failed) {
		if (at_redirect(lex)) {
			redirects_parse(lex, node);
			continue;
		}
		if (lex->token == TOKEN_LPAREN && node->words && !node->words->next &&
		    !node->assigns && !node->redirects)
			return function_parse(lex, node);
		if (lex->token != TOKEN_WORD)
			break;
		if ((!node->words || lex->alias_next) && lexer_alias(lex))
			continue;
		lex->alias_next = false;
		if (!node->words && is_assignment(lex->word)) {
			*assigns = lex->word;
			assigns = &lex->word->next;
		} else {
			*words = lex->word;
			words = &lex->word->next;
		}
		lexer_advance(lex);
	}
	if (!node->words && !node->assigns && !node->redirects)
		unexpected(lex, NULL);
	return node;
}

static struct node *if_parse(struct lexer *lex)
{
	struct node *node = node_new(lex, NODE_IF);

	lexer_advance(lex);
	node->first = body_parse(lex);
	expect_word(lex, "then");
	node->second = body_parse(lex);
	if (!lexer_enter(lex))
		return node;
	if (at_word(lex, "elif"))
		node->third = if_parse(lex);
	else {
		if (accept_word(lex, "else"))
			node->third = body_parse(lex);
		expect_word(lex, "fi");
	}
	lexer_leave(lex);
	return node;
}

static struct node *loop_parse(struct lexer *lex, enum node_kind kind)
{
	struct node *node = node_new(lex, kind);

	lexer_advance(lex);
	node->first = body_parse(lex);
	expect_word(lex, "do");
	node->second = body_parse(lex);
	expect_word(lex, "done");
	return node;
}

static struct node *for_parse(struct lexer *lex)
{
	struct node *node = node_new(lex, NODE_FOR);
	struct word **tail = &node->words;

	lexer_advance(lex);
	if (lex->token != TOKEN_WORD || !is_name(word_literal(lex->word))) {
		lexer_fail(lex, "bad for loop variable");
		return node;
	}
	node->name = arena_string(lex->arena, word_literal(lex->word));
	lexer_advance(lex);
	if (lex->token == TOKEN_SEMI) {
		node->implicit = true;
		lexer_advance(lex);
	}
	newlines_skip(lex);
	if (!node->implicit && accept_word(lex, "in")) {
		for (; lex->token == TOKEN_WORD; lexer_advance(lex)) {
			*tail = lex->word;
			tail = &lex->word->next;
		}
		if (lex->token != TOKEN_SEMI && lex->token != TOKEN_NEWLINE)
			unexpected(lex, NULL);
		else
			lexer_advance(lex);
	} else {
		node->implicit = true;
	}
	newlines_skip(lex);
	expect_word(lex, "do");
	node->first = body_parse(lex);
	expect_word(lex, "done");
	return node;
}

static struct case_item *case_item_parse(struct lexer *lex)
{
	struct case_item *item = arena_alloc(lex->arena, sizeof(*item));
	struct word **tail = &item->patterns;

	memset(item, 0, sizeof(*item));
	if (lex->token == TOKEN_LPAREN)
		lexer_advance(lex);
	while (lex->token == TOKEN_WORD) {
		*tail = lex->word;
		tail = &lex->word->next;
		lexer_advance(lex);
		if (lex->token != TOKEN_PIPE)
			break;
		lexer_advance(lex);
	}
	if (!item->patterns || lex->token != TOKEN_RPAREN) {
		unexpected(lex, ")");
		return item;
	}
	lexer_advance(lex);
	item->body = list_parse(lex);
	if (lex->token == TOKEN_DSEMI)
		lexer_advance(lex);
	else if (!at_word(lex, "esac"))
		unexpected(lex, ";;");
	newlines_skip(lex);
	return item;
}

static struct node *case_parse(struct lexer *lex)
{
	struct node *node = node_new(lex, NODE_CASE);
	struct case_item **tail = &node->items;

	lexer_advance(lex);
	if (lex->token != TOKEN_WORD) {
		unexpected(lex, NULL);
		return node;
	}
	node->words = lex->word;
	lexer_advance(lex);
	newlines_skip(lex);
	expect_word(lex, "in");
	newlines_skip(lex);
	while (!lex->failed && !at_word(lex, "esac")) {
		*tail = case_item_parse(lex);
		tail = &(*tail)->next;
	}
	expect_word(lex, "esac");
	return node;
}

static struct node *subshell_parse(struct lexer *lex)
{
	struct node *node = node_new(lex, NODE_SUBSHELL);

	lexer_advance(lex);
	node->first = body_parse(lex);
	if (lex->token != TOKEN_RPAREN)
		unexpected(lex, ")");
	else
		lexer_advance(lex);
	return node;
}

static struct node *group_parse(struct lexer *lex)
{
	struct node *node = node_new(lex, NODE_GROUP);

	lexer_advance(lex);
	node->first = body_parse(lex);
	expect_word(lex, "}");
	return node;
}

/* A compound command with its redirections, or NULL if none begins here. */
static struct node *compound_parse(struct lexer *lex)
{
	struct node *node;

	if (!lexer_enter(lex))
		return NULL;
	if (lex->token == TOKEN_LPAREN)
		node = subshell_parse(lex);
	else if (at_word(lex, "{"))
		node = group_parse(lex);
	else if (at_word(lex, "if"))
		node = if_parse(lex);
	else if (at_word(lex, "while"))
		node = loop_parse(lex, NODE_WHILE);
	else if (at_word(lex, "until"))
		node = loop_parse(lex, NODE_UNTIL);
	else if (at_word(lex, "for"))
		node = for_parse(lex);
	else if (at_word(lex, "case"))
		node = case_parse(lex);
	else
		node = NULL;
	if (node)
		redirects_parse(lex, node);
	lexer_leave(lex);
	return node;
}

static struct node *command_parse(struct lexer *lex)
{
	const char *text;
	struct node *node;

	while (lex->token == TOKEN_WORD && lexer_alias(lex))
		;
	node = compound_parse(lex);
	if (node)
		return node;
	text = lex->token == TOKEN_WORD ? word_literal(lex->word) : NULL;
	if (text && parser_reserved(text) && strcmp(text, "in") != 0) {
		unexpected(lex, NULL);
		return node_new(lex, NODE_SIMPLE);
	}
	return simple_parse(lex);
}

static struct node *pipeline_parse(struct lexer *lex)
{
	struct node *pipe = node_new(lex, NODE_PIPE);
	struct node **tail = &pipe->first;

	while (accept_word(lex, "!"))
		pipe->negate = !pipe->negate;
	for (;;) {
		*tail = command_parse(lex);
		(*tail)->to = lex->token_start;
		tail = &(*tail)->next;
		if (lex->token != TOKEN_PIPE)
			break;
		lexer_advance(lex);
		newlines_skip(lex);
	}
	pipe->to = lex->token_start;
	return pipe->first->next || pipe->negate ? pipe : pipe->first;
}

static struct node *and_or_parse(struct lexer *lex)
{
	struct node *first = pipeline_parse(lex);
	struct node **tail = &first->next;
	struct node *node;

	if (lex->token != TOKEN_AND_IF && lex->token != TOKEN_OR_IF)
		return first;
	node = node_new(lex, NODE_AND_OR);
	node->from = first->from;
	node->first = first;
	while (lex->token == TOKEN_AND_IF || lex->token == TOKEN_OR_IF) {
		bool alternative = lex->token == TOKEN_OR_IF;

		lexer_advance(lex);
		newlines_skip(lex);
		*tail = pipeline_parse(lex);
		(*tail)->alternative = alternative;
		tail = &(*tail)->next;
	}
	node->to = lex->token_start;
	return node;
}

static bool at_list_end(struct lexer *lex)
{
	static const char *const enders[] = {
		"then", "else", "elif", "fi", "do", "done", "esac", "}",
	};

	if (lex->token == TOKEN_END || lex->token == TOKEN_RPAREN || lex->token == TOKEN_DSEMI)
		return true;
	for (size_t i = 0; i < sizeof(enders) / sizeof(enders[0]); i++)
		if (at_word(lex, enders[i]))
			return true;
	return false;
}

/* One and-or list with the ; or & after it; clears *separated if there is neither. */
static struct node *statement_parse(struct lexer *lex, bool *separated)
{
	struct node *node = and_or_parse(lex);
	struct node *background;

	*separated = lex->token == TOKEN_AMP || lex->token == TOKEN_SEMI;
	if (lex->token == TOKEN_AMP) {
		background = node_new(lex, NODE_BACKGROUND);
		background->first = node;
		background->from = node->from;
		background->to = lex->token_start;
		node = background;
	}
	if (*separated)
		lexer_advance(lex);
	return node;
}

static struct node *list_wrap(struct lexer *lex, struct node *first)
{
	struct node *list;

	if (!first || !first->next)
		return first;
	list = node_new(lex, NODE_LIST);
	list->first = first;
	list->from = first->from;
	list->to = lex->token_start;
	return list;
}

/* Statements up to a word or token that ends a list; NULL if there are none. */
static struct node *list_parse(struct lexer *lex)
{
	struct node *first = NULL, **tail = &first;
	bool separated = true;

	if (!lexer_enter(lex))
		return NULL;
	newlines_skip(lex);
	while (separated && !at_list_end(lex)) {
		*tail = statement_parse(lex, &separated);
		tail = &(*tail)->next;
		separated |= lex->token == TOKEN_NEWLINE;
		newlines_skip(lex);
	}
	lexer_leave(lex);
	return list_wrap(lex, first);
}

struct node *parser_substitution(struct lexer *lex)
{
	struct heredoc *pending = lex->pending;
	struct node *node;

	lex->pending = NULL;
	lexer_advance(lex);
	node = list_parse(lex);
	if (lex->token != TOKEN_RPAREN)
		unexpected(lex, ")");
	lex->pending = pending;
	return node;
}

struct node *parser_string(struct lexer *outer, const char *text, size_t len)
{
	struct lexer lex;
	struct node *node;

	lexer_init(&lex, text, len, NULL, NULL);
	lexer_begin(&lex, outer->arena);
	lex.depth = outer->depth;
	lex.line = outer->line;
	lex.no_alias = outer->no_alias;
	lexer_advance(&lex);
	node = list_parse(&lex);
	if (lex.token != TOKEN_END)
		unexpected(&lex, NULL);
	lexer_reset(&lex);
	if (lex.failed) {
		outer->failed = true;
		outer->token = TOKEN_END;
	}
	return node;
}

enum parse_result parser_next(struct lexer *lex, struct program *program)
{
	struct node *first = NULL, **tail = &first;
	bool separated = true;

	lexer_begin(lex, &program->arena);
	lexer_advance(lex);
	if (lex->token == TOKEN_END && !lex->failed)
		return PARSE_END;
	while (separated && lex->token != TOKEN_NEWLINE && lex->token != TOKEN_END) {
		*tail = statement_parse(lex, &separated);
		tail = &(*tail)->next;
	}
	if (lex->token != TOKEN_NEWLINE && lex->token != TOKEN_END)
		unexpected(lex, NULL);
	if (lex->failed)
		return PARSE_ERROR;
	program->root = list_wrap(lex, first);
	program->text = text_finish(&lex->record);
	return PARSE_OK;
}
