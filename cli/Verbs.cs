using System.CommandLine;

namespace Brokkr.Cli;

/// <summary>The verbs of the program.</summary>
internal static class Verbs
{
    public static Task<int> RunAsync(string[] args) =>
        Root()
            .Parse(args)
            // Roles end by their own rules, see ShutdownSignals: the library would give up after two seconds.
            .InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

    public static RootCommand Root() =>
        new("Brokkr is an event broker on Apache Kafka that speaks CloudEvents and understands Knative's Brokers, Triggers and KafkaSinks.")
        {
            Subcommands = { },
        };
}
