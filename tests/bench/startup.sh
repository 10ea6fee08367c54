#!/bin/sh
# How long each program takes to start, as a ratio to `curl --version` in the same run: the median of
# 101 rounds, the programs taking turns.
set -eu
build=${IOT_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build}
perl -MTime::HiRes=time -e '
	my ($build, @programs) = @ARGV;
	my %times;
	open(STDOUT_SAVED, ">&", STDOUT);
	for my $round (1 .. 101) {
		for my $p ("curl", @programs) {
			my $path = $p eq "curl" ? "curl" : "$build/$p";
			my $from = time;
			my $pid = fork;
			if ($pid == 0) { open(STDOUT, ">", "/dev/null"); exec $path, "--version" }
			waitpid $pid, 0;
			push @{$times{$p}}, time - $from;
		}
	}
	sub median { my @s = sort { $a <=> $b } @_; $s[@s / 2] }
	my $curl = median(@{$times{curl}});
	printf "%-10s %6.2f ms  ratio %.2f\n", $_, 1000 * median(@{$times{$_}}), median(@{$times{$_}}) / $curl
		for "curl", @programs;
' "$build" iotctl iotpub iotsub iotingest iotstatus iotapi
