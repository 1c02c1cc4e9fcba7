using System.CommandLine;
using System.CommandLine.Invocation;
using Brokkr.Cli.Hosting;

namespace Brokkr.Cli;

/// <summary>The verbs of the program.</summary>
internal static class Verbs
{
    public static Task<int> RunAsync(string[] args) =>
        args switch
        {
            // Roles take no arguments. Straight to them: the command line of all verbs costs a role memory that it would never use again.
            ["receiver"] => RoleHost.RunAsync("receiver", Receiver.ReceiverCommand.RunAsync),
            ["dispatcher"] => RoleHost.RunAsync("dispatcher", Dispatcher.DispatcherCommand.RunAsync),
            ["controller"] => RoleHost.RunAsync("controller", Controller.ControllerCommand.RunAsync),
            _ => ParseAsync(args),
        };

    public static RootCommand Root() =>
        new("Brokkr is an event broker on Apache Kafka that speaks CloudEvents and understands Knative's Brokers, Triggers and KafkaSinks.")
        {
            Subcommands =
            {
                Dev.DevCommand.Create(),
                Receiver.ReceiverCommand.Create(),
                Dispatcher.DispatcherCommand.Create(),
                Controller.ControllerCommand.Create(),
                Send.SendCommand.Create(),
                Display.DisplayCommand.Create(),
                Validate.ValidateCommand.Create(),
            },
        };

    private static Task<int> ParseAsync(string[] args)
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
}
