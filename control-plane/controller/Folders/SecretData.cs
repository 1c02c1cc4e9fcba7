using System.Collections.ObjectModel;
using System.Text;
using Brokkr.Apis;
using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Folders;

/// <summary>The contents of Secrets.</summary>
internal static class SecretData
{
    /// <summary>Checks that <c>data</c> is Base64. Messages never show values.</summary>
    public static IEnumerable<FieldProblem> Check(Secret secret)
    {
        foreach (var (name, value) in secret.Data ?? ReadOnlyDictionary<string, string>.Empty)
        {
            if (!TryDecode(value, out _))
            {
                yield return new FieldProblem(FieldPath.Member("data", name), "must be Base64; plain text belongs into stringData");
            }
        }
    }

    /// <summary>The entries as bytes.</summary>
    public static IReadOnlyDictionary<string, byte[]> Decode(Secret secret)
    {
        var entries = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (name, value) in secret.Data ?? ReadOnlyDictionary<string, string>.Empty)
        {
            if (TryDecode(value, out var bytes))
            {
                entries[name] = bytes;
            }
        }

        foreach (var (name, value) in secret.StringData ?? ReadOnlyDictionary<string, string>.Empty)
        {
            entries[name] = Encoding.UTF8.GetBytes(value);
        }

        return entries;
    }

    private static bool TryDecode(string text, out byte[] bytes)
    {
        var buffer = new byte[(text.Length / 4 * 3) + 3];
        var valid = Convert.TryFromBase64String(text, buffer, out var count);
        bytes = buffer[..count];
        return valid;
    }
}
