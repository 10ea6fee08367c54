#!/usr/bin/perl
# A language in which each text stands between marks, for tests/cli/pseudo-locale.t:
#
#	pseudo.pl po <POT >PO    the catalogue of it
#	pseudo.pl bare DATA      of lines on stdin, what is outside of marks, in quotes or matches the pattern DATA
#	                         taken away; prints those that have letters left
#	pseudo.pl list <POT      each text on a line, the singular and the plural with a tab between
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

sub bare {
	my $data = shift;
	while (my $line = <STDIN>) {
		my $rest = $line;
		1 while $rest =~ s/⟦[^⟦⟧]*⟧/ /g;
		$rest =~ s/^iot[a-z]+: //;
		$rest =~ s/'[^']*'//g;
		$rest =~ s/$data//g if $data ne '';
		print $line if $rest =~ /[A-Za-z⟦⟧]/;
	}
}

# The text of a field of the catalogue: its quoted lines together, escapes as they are.
sub quoted { my $t = shift; return join '', $t =~ /"((?:[^"\\]|\\.)*)"/g }

sub entries {
	local $/ = '';
	return map {
		my %e = (flags => /^(#, .*\n)/m ? $1 : '');
		for my $field (qw(msgid msgid_plural)) {
			$e{$field} = quoted($1) if /^$field (.*\n(?:".*\n)*)/m;
		}
		\%e;
	} <STDIN>;
}

# A line end at the beginning or the end stays there.
sub marked { my $t = shift; $t =~ s/^((?:\\n)*)(.*?)((?:\\n)*)$/$1⟦$2⟧$3/; return $t }

sub po {
	print qq(msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n),
	    qq("Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n);
	for my $e (grep { $_->{msgid} ne '' } entries()) {
		my ($one, $many) = @$e{qw(msgid msgid_plural)};
		print $e->{flags}, qq(msgid "$one"\n);
		if (defined $many) {
			print qq(msgid_plural "$many"\nmsgstr[0] ") . marked($one) . qq("\nmsgstr[1] ");
			print marked($many) . qq("\n\n);
		} else {
			print 'msgstr "' . marked($one) . qq("\n\n);
		}
	}
}

sub list { print join("\t", $_->{msgid}, $_->{msgid_plural} // ()), "\n" for grep { $_->{msgid} ne '' } entries() }

my ($what, @rest) = @ARGV;
my %jobs = (po => \&po, bare => \&bare, list => \&list);
$jobs{$what}->(@rest);
