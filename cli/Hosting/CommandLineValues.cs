using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;

namespace Brokkr.Cli.Hosting;

/// <summary>Checks of values on the command line, with messages that say what to write.</summary>
internal static class CommandLineValues
{
    /// <summary>Reads an IP address.</summary>
    public static IPAddress? Address(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (IPAddress.TryParse(text, out var address))
        {
            return address;
        }

        result.AddError($"\"{text}\" is no IP address, such as 127.0.0.1 or 0.0.0.0.");
        return null;
    }

    /// <summary>Lets an option take only numbers of a range.</summary>
    public static void Range(Option<int> option, int minimum, int maximum) =>
        Require(option, value => value >= minimum && value <= maximum, $"must be from {minimum} to {maximum}");

    /// <summary>Lets an option take only values for which something holds.</summary>
    public static void Require<T>(Option<T> option, Func<T, bool> holds, string rule) =>
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !result.Errors.Any() && !holds(result.GetValueOrDefault<T>()!))
            {
                result.AddError($"{option.Name} {rule}.");
            }
        });
}
