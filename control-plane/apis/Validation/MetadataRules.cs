namespace Brokkr.Apis.Validation;

/// <summary>What the API server asks of names.</summary>
internal static class MetadataRules
{
    public static void Check(ApiObject value, ProblemList problems)
    {
        if (!IsSubdomain(value.Name))
        {
            problems.Invalid(
                "metadata.name",
                value.Name,
                value.Name.Length == 0
                    ? "is missing"
                    : $"must consist of lower case letters, digits, \"-\" and \".\", begin and end with a letter or digit, and have at most 253 characters, is {ProblemList.Quote(value.Name)}"
            );
        }

        if (value.Namespace.Length > 63 || value.Namespace.Contains('.', StringComparison.Ordinal) || !IsSubdomain(value.Namespace))
        {
            problems.Invalid(
                "metadata.namespace",
                value.Namespace,
                $"must consist of lower case letters, digits and \"-\", begin and end with a letter or digit, and have at most 63 characters, is {ProblemList.Quote(value.Namespace)}"
            );
        }
    }

    private static bool IsSubdomain(string name)
    {
        if (name.Length is 0 or > 253)
        {
            return false;
        }

        var previous = '.';
        foreach (var c in name)
        {
            var inside = char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
            // A dot or dash may not begin a label, nor a dot follow a dash.
            if (!inside && !(c == '-' && previous != '.') && !(c == '.' && previous is not ('.' or '-')))
            {
                return false;
            }

            previous = c;
        }

        return previous is not ('.' or '-');
    }
}
