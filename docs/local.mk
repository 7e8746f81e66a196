# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/reliability.md
EXTRA_DIST += %D%/sweep.md %D%/questions.md %D%/what-if.md
EXTRA_DIST += $(top_srcdir)/docs/networks.md
EXTRA_DIST += %D%/command-line.md
EXTRA_DIST += %D%/placement.md
EXTRA_DIST += %D%/formats.md %D%/library.md
EXTRA_DIST += %D%/accuracy.md %D%/data/pytorch-accuracy.csv %D%/data/pytorch-accuracy.awk
EXTRA_DIST += %D%/pytorch.md %D%/training.md %D%/data/pytorch-training.csv %D%/data/pytorch-training.awk
EXTRA_DIST += %D%/data/pytorch-plans.csv %D%/data/pytorch-plans.awk
EXTRA_DIST += %D%/replay.md \
	$(top_srcdir)/docs/validation.md $(top_srcdir)/docs/validation.svg
EXTRA_DIST += %D%/README.md %D%/tutorial.md %D%/limits.md %D%/plan-promises.md %D%/architecture.md \
	%D%/add-policy.md %D%/add-placement.md %D%/add-layer.md %D%/gallery/resnet50-tight.png
EXTRA_DIST += %D%/gallery/README.md %D%/gallery/resnet50.png %D%/gallery/gpt2.png %D%/gallery/resnet1517.png \
	%D%/gallery/resnet50-frontier.png %D%/gallery/resnet50-sweep.png %D%/gallery/resnet50-what-if.png

dist_man1_MANS = %D%/man/layrub.1 %D%/man/layrub-info.1 %D%/man/layrub-plan.1 %D%/man/layrub-compare.1 \
	%D%/man/layrub-fit.1 %D%/man/layrub-sweep.1 %D%/man/layrub-check.1 %D%/man/layrub-explain.1 \
	%D%/man/layrub-simulate.1 %D%/man/layrub-report.1 %D%/man/layrub-place.1 %D%/man/layrub-list.1 \
	%D%/man/layrub-replay.1 %D%/man/layrub-torch.1

# Not where pkg-config says: that is outside the prefix.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/completion/layrub %D%/completion/layrub-replay
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = %D%/completion/_layrub

examplesdir = $(docdir)/examples
dist_examples_DATA = %D%/example/half.c %D%/example/half.cc %D%/example/half.py %D%/example/policy.py %D%/example/arrays.c %D%/example/fit.c %D%/example/place.c \
	%D%/example/execute.c %D%/example/what_if.c \
	%D%/example/check.c %D%/example/cancel.c %D%/example/search.c %D%/example/train.py %D%/example/llama-8b.json
