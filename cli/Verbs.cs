using System.CommandLine;
using System.CommandLine.Invocation;

namespace Brokkr.Cli;

/// <summary>The verbs of the program.</summary>
internal static class Verbs
{
    public static Task<int> RunAsync(string[] args)
    {
        var parsed = Root().Parse(args);
        if (parsed.Action is ParseErrorAction mistake)
        {
            // The message says what to do; a page of help would only push it out of sight.
            mistake.ShowHelp = false;
        }

        // Roles end by their own rules, see ShutdownSignals: the library would give up after two seconds.
        return parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    public static RootCommand Root() =>
        new("Brokkr is an event broker on Apache Kafka that speaks CloudEvents and understands Knative's Brokers, Triggers and KafkaSinks.")
        {
            Subcommands =
            {
                Dev.DevCommand.Create(),
                Receiver.ReceiverCommand.Create(),
                Dispatcher.DispatcherCommand.Create(),
                Send.SendCommand.Create(),
                Display.DisplayCommand.Create(),
            },
        };
}
