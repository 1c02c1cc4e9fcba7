using Brokkr.Testing.Processes;

namespace Brokkr.Cli.Tests;

/// <summary>The real program.</summary>
public sealed class ProgramTests
{
    [Fact]
    public async Task The_version_is_a_number() => Assert.Matches(@"^\d+\.\d+\.\d+", await BrokkrProcess.RunAsync(["--version"]));

    [Fact]
    public async Task Help_lists_every_verb_with_a_sentence()
    {
        var help = await BrokkrProcess.RunAsync(["--help"]);
        foreach (var command in Verbs.Root().Subcommands)
        {
            Assert.Contains($"  {command.Name}", help, StringComparison.Ordinal);
            Assert.False(string.IsNullOrWhiteSpace(command.Description));
            Assert.All(command.Options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), option.Name));
            Assert.All(command.Arguments, argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), argument.Name));
        }
    }

    [Fact]
    public async Task An_unknown_verb_is_an_exit_code_of_1_and_named()
    {
        await using var child = BrokkrProcess.Start(["sned"]);
        Assert.Equal(1, await child.ExitAsync());
        Assert.Contains("sned", child.Text, StringComparison.Ordinal);
    }
}
